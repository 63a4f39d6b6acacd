"""All numbers of a result from arrays: which intervals there are, and what they say."""

import numpy as np
import pytest

from harness.metrics.uncertainty.paired import difference_of
from harness.models.outputs import SETS, ModelOutputs
from harness.scoring.measure import Measurement
from harness.scoring.reference import Reference

KINDS = ("", "_drawn", "_repeated")


def models(shift, n_models, accuracy, rng):
    """Models whose examples differ, and their accuracies."""
    examples = np.linspace(-3, 3, 20)
    shares = np.clip(rng.normal(accuracy, 0.01, (3, n_models)), 0, 1)
    forget = examples + shift + rng.normal(size=(n_models, 20))
    accuracies = {f"{of}_accuracy": row for of, row in zip(SETS, shares, strict=True)}
    return ModelOutputs(forget_confidence=forget, **accuracies)


def reference(rng, n_models=16):
    return Reference(models(0.0, 2 * n_models, 0.8, rng), n_models)


def measured(rng, against, accuracy=0.8, shift=0.5):
    return Measurement(models(shift, against.n_models, accuracy, rng), against)


def test_f_and_score_have_intervals_for_these_examples_for_any_and_for_a_repetition():
    rng = np.random.default_rng(0)
    metrics = measured(rng, reference(rng)).metrics()
    for number in (metrics.forgetting_quality, metrics.score):
        assert number.low_drawn <= number.low <= number.value
        assert number.value <= number.high <= number.high_drawn
        assert number.low_repeated < number.value < number.high_repeated


def test_the_score_is_shown_with_its_ratios_clipped_at_one_too():
    rng = np.random.default_rng(1)
    bank = reference(rng)
    better = measured(rng, bank, accuracy=0.9).metrics()
    worse = measured(rng, bank, accuracy=0.7).metrics()
    quality = better.forgetting_quality.value
    assert better.score.clipped == pytest.approx(quality)
    assert better.score.value > quality
    assert worse.score.clipped == worse.score.value


def test_with_too_few_models_both_intervals_are_missing_for_one_reason():
    rng = np.random.default_rng(2)
    number = measured(rng, reference(rng, n_models=6)).metrics().score
    ends = [f"{end}{kind}" for end in ("low", "high") for kind in KINDS]
    assert [getattr(number, end) for end in ends] == [None] * 6
    assert number.reason.startswith("interval: needs N ≥ 8")


def test_without_accuracies_there_is_f_and_no_score():
    rng = np.random.default_rng(4)
    confidences = rng.normal(size=(24, 20))
    bank = Reference(ModelOutputs(forget_confidence=confidences), 12)
    metrics = Measurement(bank.retrained, bank).metrics()
    assert metrics.forgetting_quality.value == 1
    assert (metrics.score, metrics.retain_accuracy) == (None, None)
    assert metrics.metrics


def test_measurements_of_one_reference_can_be_compared_pair_by_pair():
    rng = np.random.default_rng(3)
    bank = reference(rng)
    good, bad = (measured(rng, bank, shift=shift) for shift in (0.0, 3.0))
    difference = difference_of(good.scored, bad.scored, examples="drawn")
    assert difference.quantity == "score"
    assert difference.first == good.score.value
    assert difference.difference > 0
    few = measured(rng, reference(rng, n_models=6))
    assert few.scored is None
