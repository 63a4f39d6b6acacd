import numpy as np
import pytest

from harness.errors import UsageError
from harness.metrics.official.metric import official_metric
from harness.metrics.uncertainty.ceiling import ceilings, floors, share_of_ceiling
from harness.metrics.uncertainty.interval import Unavailable
from tests.metrics.tables import outputs

BANK = np.random.default_rng(0).normal(size=(64, 40))


def ceiling(bank, n_models, seed=0):
    return ceilings(outputs(bank), n_models, seed=seed).forgetting_quality


def test_retraining_itself_scores_about_a_fifth():
    # The Facts of the metric: 0.18 to 0.20 for N from 16 to 1024.
    found = ceiling(BANK, 32)
    assert found.value == pytest.approx(0.185, abs=0.03)


def test_a_perfect_unlearner_lands_in_the_interval_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(60):
        bank = rng.normal(size=(32, 20)) + rng.normal(0, 0.5, (32, 1))
        fresh = rng.normal(size=(16, 20)) + rng.normal(0, 0.5, (16, 1))
        quality = official_metric(outputs(fresh), outputs(bank[:16])).forgetting_quality
        held += quality in ceiling(bank, 16, seed=seed).interval
    assert held >= 53


def test_a_bank_too_small_to_hold_models_out_says_so():
    found = ceiling(BANK, 33)
    assert isinstance(found, Unavailable)
    assert "holds 64 retrained models; a ceiling at N = 33 needs 66" in found.reason


def test_the_seed_alone_decides_the_splits_and_the_bank_stays():
    copy = BANK.copy()
    assert ceiling(BANK, 16, seed=1) == ceiling(BANK, 16, seed=1)
    assert ceiling(BANK, 16, seed=1) != ceiling(BANK, 16, seed=2)
    np.testing.assert_array_equal(BANK, copy)


def test_the_ceiling_of_the_score_has_utility_about_one():
    rng = np.random.default_rng(0)
    retain, test = rng.normal(0.77, 0.01, 64), rng.normal(0.5, 0.01, 64)
    both = ceilings(outputs(BANK, retain, test), 32, seed=0)
    quality, score = both.forgetting_quality, both.score
    assert score.value == pytest.approx(quality.value, rel=0.01)
    assert score.value != quality.value


def test_a_value_is_shown_as_a_share_of_the_ceiling():
    found = ceiling(BANK, 32)
    assert share_of_ceiling(found.value / 2, found) == pytest.approx(0.5)


def test_without_a_ceiling_there_is_no_share():
    missing = Unavailable("no bank")
    assert share_of_ceiling(0.1, missing) == missing


def test_a_ceiling_of_nothing_is_no_measure():
    # With two models a side no bucket carries points.
    assert isinstance(share_of_ceiling(0.0, ceiling(BANK, 2)), Unavailable)


def test_the_original_model_is_the_floor():
    # N copies of one model are a peak beside the retrained models' spread.
    original = outputs(np.full((1, 40), 3.0), [0.9], [0.8])
    assert floors(original, outputs(BANK)) == (0, None)
    retain, test = np.full((2, 64), 0.5)
    assert floors(original, outputs(BANK, retain, test)) == (0, 0)


def test_the_floors_score_is_its_quality_times_its_utility():
    original = outputs(BANK[:1], [0.6], [0.4])
    retrained = outputs(np.tile(BANK[0], (8, 1)), [0.5] * 8, [0.8] * 8)
    quality, score = floors(original, retrained)
    assert score == pytest.approx(quality * 1.2 * 0.5)


@pytest.mark.parametrize("n_models", [1, 0, -3])
def test_refuses_too_few_models_to_compare(n_models):
    with pytest.raises(UsageError, match="at least 2 models"):
        ceiling(BANK, n_models)


def test_refuses_a_floor_on_other_examples():
    with pytest.raises(UsageError, match="same forget set"):
        floors(outputs(np.zeros((1, 39))), outputs(BANK))
