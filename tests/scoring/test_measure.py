"""All numbers of a result from arrays: which intervals there are, and what they say."""

import numpy as np
import pytest

from harness.metrics.uncertainty.paired import difference_of
from harness.scoring.measure import Measurement, Yardstick
from tests.metrics.tables import outputs


def side(shift, n_models, accuracy, rng):
    """Models whose examples differ, and their accuracies."""
    examples = np.linspace(-3, 3, 20)
    shares = np.clip(rng.normal(accuracy, 0.01, (3, n_models)), 0, 1)
    forget = examples + shift + rng.normal(size=(n_models, 20))
    return outputs(forget, accuracies=shares)


def yardstick(rng, n_models=16):
    return Yardstick(side(0.0, 2 * n_models, 0.8, rng), n_models)


def measured(rng, against, accuracy=0.8, shift=0.5):
    return Measurement(side(shift, against.n_models, accuracy, rng), against)


def test_f_and_score_have_intervals_for_these_examples_for_any_and_for_a_repetition():
    rng = np.random.default_rng(0)
    headline = measured(rng, yardstick(rng)).headline()
    for name in ("forgetting_quality", "score"):
        number = headline[name]
        assert number["low_drawn"] <= number["low"] <= number["value"]
        assert number["value"] <= number["high"] <= number["high_drawn"]
        assert number["low_repeated"] < number["value"] < number["high_repeated"]
    assert "low_drawn" not in headline["retain_accuracy"]


def test_the_score_is_shown_with_its_ratios_clipped_at_one_too():
    rng = np.random.default_rng(1)
    bank = yardstick(rng)
    better = measured(rng, bank, accuracy=0.9).headline()
    worse = measured(rng, bank, accuracy=0.7).headline()
    quality = better["forgetting_quality"]["value"]
    assert better["score"]["clipped"] == pytest.approx(quality)
    assert better["score"]["value"] > quality
    assert worse["score"]["clipped"] == worse["score"]["value"]


def test_with_too_few_models_both_intervals_are_missing_for_one_reason():
    rng = np.random.default_rng(2)
    number = measured(rng, yardstick(rng, n_models=6)).headline()["score"]
    kinds = ("", "_drawn", "_repeated")
    assert [number[e + kind] for e in ("low", "high") for kind in kinds] == [None] * 6
    assert number["reason"].startswith("interval: needs N ≥ 8")


def test_measurements_of_one_yardstick_can_be_compared_pair_by_pair():
    rng = np.random.default_rng(3)
    bank = yardstick(rng)
    good, bad = (measured(rng, bank, shift=shift) for shift in (0.0, 3.0))
    difference = difference_of(good.scored, bad.scored, examples="drawn")
    assert difference.quantity == "score"
    assert difference.first == good.headline()["score"]["value"]
    assert difference.difference > 0
    few = measured(rng, yardstick(rng, n_models=6))
    assert few.scored is None
