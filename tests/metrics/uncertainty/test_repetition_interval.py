"""Where a second scoring against the same retrained models falls."""

import numpy as np
import pytest

from harness.metrics.official.metric import official_metric
from harness.metrics.uncertainty.interval import IntervalOptions, Unavailable
from harness.metrics.uncertainty.official_interval import (
    official_intervals,
    repetition_intervals,
)
from tests.metrics.tables import outputs

PLACES = np.linspace(-3, 3, 30)


def models(rng, shift=0.0, n_models=32, run=0.3):
    """Models whose runs move all examples together."""
    runs = rng.normal(0, run, (n_models, 1)) if run else 0.0
    return PLACES + shift + rng.normal(size=(n_models, PLACES.size)) + runs


def interval(*pair, **options):
    options = IntervalOptions(**options)
    models = map(outputs, pair)
    return repetition_intervals(*models, seed=0, options=options).forgetting_quality


def test_it_holds_the_value_of_another_scoring_and_not_that_of_another_method():
    rng = np.random.default_rng(0)
    held = other = 0
    for _ in range(40):
        retrained = models(rng)
        found = interval(models(rng, 0.7), retrained)
        again, different = (
            official_metric(
                outputs(models(rng, shift)), outputs(retrained)
            ).forgetting_quality
            for shift in (0.7, 1.5)
        )
        held += again in found
        other += different in found
    assert held >= 35
    assert other <= 4


def test_where_the_unlearned_models_hardly_vary_it_is_narrower_than_the_means():
    """The bank's noise, which the mean's interval is for, does not come again."""
    rng = np.random.default_rng(1)
    steady = models(rng, 0.5, run=0.0)
    restless = models(rng, run=1.0)
    both = map(outputs, (steady, restless))
    mean = official_intervals(*both, seed=0).forgetting_quality
    again = interval(steady, restless)
    assert np.log(again.high / again.low) < np.log(mean.high / mean.low)


def test_accuracies_of_the_unlearned_models_widen_the_scores():
    rng = np.random.default_rng(2)
    pair = models(rng, 0.5), models(rng)
    still, scattered = (np.clip(rng.normal(0.6, scale, 32), 0, 1) for scale in (0, 0.3))
    quiet, of_bank, of_runs = (
        repetition_intervals(
            outputs(pair[0], ours, ours), outputs(pair[1], theirs, theirs), seed=0
        ).score
        for ours, theirs in ((still, still), (still, scattered), (scattered, still))
    )
    ratio = quiet.high / quiet.low
    assert of_bank.high / of_bank.low == pytest.approx(ratio, rel=0.1)
    assert of_runs.high / of_runs.low > 1.05 * ratio


def test_it_repeats_leaves_its_inputs_and_stays_below_one():
    pair = models(np.random.default_rng(3)), models(np.random.default_rng(4))
    copies = [side.copy() for side in pair]
    assert interval(*pair) == interval(*pair)
    np.testing.assert_array_equal(pair, copies)
    coins = np.random.default_rng(0).integers(0, 2, (2, 64, 5)) * 1.0
    assert interval(*coins).high <= 1


def test_identical_models_fall_on_the_floor_again():
    copies = np.broadcast_to(np.linspace(-1, 1, 20), (16, 20))
    found = interval(copies, np.random.default_rng(0).normal(size=(16, 20)))
    assert (found.low, found.high) == (0, 0)


def test_few_models_give_a_reason():
    pair = np.random.default_rng(0).normal(size=(2, 7, 5))
    reason = Unavailable("needs N ≥ 8 models on either side; there are 7")
    assert interval(*pair) == reason
