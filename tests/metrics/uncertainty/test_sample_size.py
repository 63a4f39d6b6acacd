import numpy as np
import pytest

from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.official.metric import official_metric
from harness.metrics.uncertainty import scoring_noise
from harness.metrics.uncertainty.official_interval import official_intervals
from harness.metrics.uncertainty.sample_size import sample_sizes
from harness.metrics.uncertainty.scoring_noise import Scoring
from tests.metrics.tables import outputs


def test_rows_run_from_eight_models_to_all_of_them():
    unlearned, retrained = np.random.default_rng(0).normal(size=(2, 32, 20))
    rows = sample_sizes(outputs(unlearned + 0.5), outputs(retrained), seed=0)
    assert [row.n_models for row in rows] == [8, 16, 32]
    assert all(row.low <= row.mean <= row.high for row in rows)


def test_the_last_row_is_the_scoring_itself():
    unlearned, retrained = map(
        outputs, np.random.default_rng(0).normal(size=(2, 16, 20))
    )
    last = sample_sizes(unlearned, retrained, seed=5)[-1]
    whole = official_intervals(unlearned, retrained, seed=5).forgetting_quality
    assert last.mean == official_metric(unlearned, retrained).forgetting_quality
    assert (last.low, last.high) == (whole.low, whole.high)


def test_a_scoring_at_hand_gives_the_same_rows():
    pair = ConfidencePair(*np.random.default_rng(0).normal(size=(2, 16, 20)))
    whole = Scoring.of(pair, np.random.default_rng(5), delta=1e-5)
    models = [outputs(each) for each in pair]
    assert sample_sizes(*models, whole, seed=5) == sample_sizes(*models, seed=5)


def test_a_row_of_fewer_models_is_the_mean_of_such_scorings():
    rng = np.random.default_rng(0)
    unlearned, retrained = rng.normal(size=(2, 32, 60))
    row = sample_sizes(outputs(unlearned + 1), outputs(retrained), seed=0)[1]
    fresh = [
        official_metric(*(outputs(rng.normal(mean, 1, (16, 60))) for mean in (1, 0)))
        for _ in range(20)
    ]
    mean = np.mean([metric.forgetting_quality for metric in fresh])
    assert row.mean == pytest.approx(mean, rel=0.2)
    assert mean == pytest.approx(row.mean, abs=row.high - row.low)


def test_rows_of_some_of_many_examples_speak_for_all_of_them(monkeypatch):
    """The ten looked at earn 1.8 times what all do, which is taken into account."""
    rng = np.random.default_rng(1)
    shift = np.where(np.arange(400) < 100, 0.0, 5.0)
    pair = [outputs(rng.normal(0, 1, (16, 400)) + far) for far in (shift, 0)]
    of_all = sample_sizes(*pair, seed=0)
    monkeypatch.setattr(scoring_noise, "MOST_EXAMPLES", 10)
    of_some = sample_sizes(*pair, seed=0)
    assert of_some[-1].mean == of_all[-1].mean
    assert of_some[0].mean == pytest.approx(of_all[0].mean, rel=0.2)
    assert of_some[0].mean != of_all[0].mean


def test_nothing_forgotten_is_no_certainty_at_any_size():
    rng = np.random.default_rng(0)
    pair = (outputs(rng.normal(mean, 1, (32, 9))) for mean in (50, 0))
    rows = sample_sizes(*pair, seed=0)
    assert all(row.mean == 0 and row.high > 0 for row in rows)


def test_few_models_give_a_reason_instead():
    pair = map(outputs, np.random.default_rng(0).normal(size=(2, 15, 4)))
    assert "needs N ≥ 16" in sample_sizes(*pair, seed=0).reason
