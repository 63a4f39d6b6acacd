"""All numbers of a result from arrays: which intervals there are, and what they say."""

from dataclasses import replace

import numpy as np
import pytest

from harness.metrics.uncertainty.paired import difference_of
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.models.outputs import SETS, ModelOutputs
from harness.models.records import stack
from harness.scoring.measure import Measurement
from harness.scoring.originals import measure_runs
from harness.scoring.reference import SEED, Reference
from tests.typed_results import run_record

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
    few = measured(rng, reference(rng, n_models=3))
    assert few.scored is None


def runs_of(rng, shifts, n_models=16):
    """Runs of several originals, each of which moves what is made from it."""
    parts = [models(shift, n_models, 0.8, rng) for shift in shifts]
    return [
        run_record(
            i * len(shifts) + k,
            outputs=replace(part.take([i]), original=np.array([k])),
        )
        for i in range(n_models)
        for k, part in enumerate(parts)
    ]


def test_runs_of_several_originals_are_measured_apart_and_compared_as_scored():
    rng = np.random.default_rng(5)
    bank = reference(rng)
    runs = runs_of(rng, (0.2, 0.9, 0.5))
    measured = measure_runs(runs, bank)
    metrics = measured.metrics()
    for number in (metrics.forgetting_quality, metrics.score):
        assert number.low_drawn <= number.low < number.value < number.high
        assert number.low_repeated < number.value < number.high_repeated
        assert number.not_covered is None
    assert measured.scored.value == pytest.approx(metrics.score.value)
    scored = ScoredSubmission.of(stack(runs), bank.retrained, seed=SEED)
    other = measure_runs(runs_of(rng, (0.2, 0.9, 0.5)), bank).scored
    assert difference_of(measured.scored, other) == difference_of(scored, other)
    sizes = [row.n_models for row in metrics.precision]
    assert sizes == [8, 16]
    assert metrics.precision[-1].low == metrics.forgetting_quality.low
    of_one = measure_runs([run for run in runs if run.outputs.original == 0], bank)
    assert metrics.retain_accuracy.value == pytest.approx(
        stack(runs).retain_accuracy.mean()
    )
    names = [metric.name for metric in of_one.metrics().metrics]
    assert [metric.name for metric in metrics.metrics] == names


def test_of_one_original_it_is_said_that_others_are_not_covered():
    rng = np.random.default_rng(6)
    bank = reference(rng)
    runs = runs_of(rng, (0.5,))
    metrics = measure_runs(runs, bank).metrics()
    assert "do not cover what another original" in metrics.score.not_covered
    unnamed = Measurement(replace(stack(runs), original=None), bank).metrics()
    assert unnamed.score.not_covered is None
    assert replace(metrics.score, not_covered=None) == unnamed.score
