"""Numbers over several original models: as sure as fresh originals leave them."""

from dataclasses import replace

import numpy as np
import pytest

from harness.errors import UsageError
from harness.metrics.inputs.confidence import forget_pair
from harness.metrics.uncertainty.interval import Interval, Unavailable, mean_interval
from harness.metrics.uncertainty.originals import (
    OriginalsNoise,
    grouped_mean_interval,
    originals_intervals,
    welch_degrees,
)
from harness.metrics.uncertainty.paired import difference_of, paired_difference
from harness.metrics.uncertainty.paired_noise import models_needed
from harness.metrics.uncertainty.quality_variance import NoiseParts
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.metrics.uncertainty.scoring_noise import Scoring
from tests.metrics.tables import outputs

PLACES = np.linspace(-3, 3, 30)


def models(rng, shift=0.0, n_models=16):
    """Models whose runs move all examples together."""
    run = rng.normal(0, 0.3, (n_models, 1))
    return outputs(PLACES + shift + run + rng.normal(size=(n_models, PLACES.size)))


def of_originals(rng, shifts, n_models=16):
    """N models of each original, run i of original i mod K."""
    parts = [models(rng, shift, n_models) for shift in shifts]
    rows = np.stack([part.forget_confidence for part in parts], axis=1)
    places = np.tile(np.arange(len(shifts)), n_models)
    whole = outputs(rows.reshape(-1, PLACES.size))
    return replace(whole, original=places), parts


def intervals(parts, bank, **changes):
    scorings = [
        Scoring.of(forget_pair(part, bank), np.random.default_rng(0), 1e-5, originals=4)
        for part in parts
    ]
    settings = {
        "factor": 1.0,
        "n_fewest": 16,
        "outliers": False,
        "untouched": False,
    } | changes
    return originals_intervals([each.earned() for each in scorings], **settings)


def test_each_originals_models_are_scored_apart_and_then_averaged():
    rng = np.random.default_rng(0)
    whole, parts = of_originals(rng, (0.0, 2.0, 0.5))
    bank = models(rng)
    scored = ScoredSubmission.of(whole, bank, seed=1)
    each = [ScoredSubmission.of(part, bank, seed=1).value for part in parts]
    assert scored.value == pytest.approx(np.mean(each))
    np.testing.assert_allclose(scored.earned.mean(axis=1), each)
    assert scored.n_models == 16
    pooled = ScoredSubmission.of(replace(whole, original=None), bank, seed=1)
    assert (pooled.n_models, pooled.value == scored.value) == (48, False)


def test_one_original_is_compared_to_the_bit_as_if_none_were_named():
    rng = np.random.default_rng(1)
    a, b, bank = models(rng, 0.2), models(rng, 0.9), models(rng)
    named = [replace(each, original=np.zeros(16)) for each in (a, b)]
    for examples in ("fixed", "drawn"):
        assert paired_difference(
            *named, bank, seed=0, examples=examples
        ) == paired_difference(a, b, bank, seed=0, examples=examples)


def test_originals_that_differ_widen_the_interval_and_not_that_of_a_repetition():
    rng = np.random.default_rng(2)
    bank, shifts = models(rng), np.array([-0.5, -0.1, 0.1, 0.5])
    alike = intervals(of_originals(rng, 0.8 + 0 * shifts)[1], bank)
    apart = intervals(of_originals(rng, 0.8 + shifts)[1], bank)
    widths = [
        [np.log(each.high / each.low) for each in found] for found in (alike, apart)
    ]
    (fixed, drawn, again), (wider, wider_drawn, same) = widths
    assert wider > 1.5 * fixed
    assert wider_drawn > drawn > fixed
    assert same == pytest.approx(again, rel=0.5)


def test_the_mean_is_held_when_models_and_originals_are_fresh():
    rng, held, truth = np.random.default_rng(3), 0, []
    found = []
    for _ in range(10):
        bank, shifts = models(rng), rng.normal(0.7, 0.3, 4)
        whole, parts = of_originals(rng, shifts)
        found.append(intervals(parts, bank)[0])
        truth.append(ScoredSubmission.of(whole, bank, seed=0).value)
    held = sum(np.mean(truth) in each for each in found)
    assert held >= 8


def test_equal_methods_stay_equal_on_the_same_originals_and_on_fresh_ones():
    rng, called = np.random.default_rng(4), np.zeros(2)
    for seed in range(8):
        bank, shifts = models(rng), rng.normal(0.7, 0.3, 4)
        a, b, c = (
            ScoredSubmission.of(of_originals(rng, each)[0], bank, seed=seed)
            for each in (shifts, shifts, rng.normal(0.7, 0.3, 4))
        )
        called += [difference_of(a, other).separable for other in (b, c)]
    assert max(called) <= 2


def test_what_an_original_does_to_both_methods_cancels():
    """Paired by original a difference is seen that originals' own spread would hide."""
    rng = np.random.default_rng(5)
    bank, shifts = models(rng), np.array([-0.6, -0.2, 0.2, 0.6])
    a, b = (
        ScoredSubmission.of(of_originals(rng, shift + shifts)[0], bank, seed=0)
        for shift in (0.6, 1.6)
    )
    turned = replace(
        b,
        earned=b.earned[::-1],
        divisions=tuple(each[::-1] for each in b.divisions),
    )
    paired, crossed = difference_of(a, b), difference_of(a, turned)
    assert paired.difference == pytest.approx(crossed.difference)
    assert paired.separable
    assert crossed.p_value > 3 * paired.p_value


def test_different_numbers_of_originals_are_refused():
    rng = np.random.default_rng(6)
    bank = models(rng)
    two, three = (
        ScoredSubmission.of(of_originals(rng, shifts)[0], bank, seed=0)
        for shifts in ((0, 1), (0, 1, 2))
    )
    with pytest.raises(UsageError, match=r"16 on 2 originals.*16 on 3 originals"):
        difference_of(two, three)


def test_the_variance_adds_what_originals_scatter_beyond_their_runs():
    parts = NoiseParts(0.0, 3.0, 0.0)
    alike, apart = (
        OriginalsNoise(parts, parts, 4, alike=4.0, seen=seen) for seen in (3.0, 12.0)
    )
    assert alike.variance("fixed") == 3.0
    assert apart.variance("fixed") == 3.0 + (12.0 - 4.0) / 4
    assert alike.degrees(3.0, 15.0) > 15.0  # two sources, each with 15
    # 3 of the 5 are s² / K, known with 3 degrees; 2 are the bank's, with 15.
    assert apart.degrees(5.0, 15.0) == pytest.approx(25 / (9 / 3 + 4 / 15))


def test_more_runs_do_not_help_against_originals_that_differ():
    parts = NoiseParts(0.0, 1e-8, 0.0)
    noise = OriginalsNoise(parts, parts, 4, alike=1e-8, seen=4e-4)
    assert models_needed(0.01, noise, 64) is None
    assert models_needed(0.1, noise, 64) == 65


def test_degrees_of_a_sum_lie_between_those_of_its_parts():
    assert welch_degrees((1.0, 3.0), (0.0, 63.0)) == 3.0
    assert welch_degrees((0.0, 3.0), (0.0, 63.0)) == 3.0
    assert 3.0 < welch_degrees((1.0, 3.0), (5.0, 63.0)) < 66.0


def test_untouched_originals_are_certain_to_score_nothing():
    bank = models(np.random.default_rng(7))
    copies = [outputs(np.tile(PLACES + k, (16, 1))) for k in range(3)]
    for found in intervals(copies, bank, untouched=True):
        assert found == Interval(0.0, 0.0)


def test_where_no_original_earns_anything_the_rule_of_three_speaks():
    rng = np.random.default_rng(8)
    far = [models(rng, 60.0) for _ in range(3)]
    for found in intervals(far, models(rng), factor=0.5):
        assert found.low == 0
        assert 0 < found.high < 0.1


def test_one_example_says_nothing_of_others():
    rng = np.random.default_rng(9)
    parts = [outputs(rng.normal(size=(16, 1))) for _ in range(3)]
    fixed, drawn, again = intervals(parts, outputs(rng.normal(size=(16, 1))))
    assert isinstance(drawn, Unavailable)
    assert fixed.low < fixed.high and again.low < again.high


def test_an_accuracy_is_as_sure_as_its_originals_are_alike():
    rng = np.random.default_rng(10)
    places = np.arange(64) % 4
    steady = rng.normal(0.6, 0.01, 64)
    moved = steady + np.array([0.05, -0.05, 0.02, -0.02])[places]
    pooled, grouped = mean_interval(moved), grouped_mean_interval(moved, places)
    assert grouped.high - grouped.low > 3 * (pooled.high - pooled.low)
    alike = grouped_mean_interval(steady, places)
    assert alike.high - alike.low < 0.02
    assert grouped_mean_interval(steady, np.zeros(64)) == mean_interval(steady)
    assert grouped_mean_interval(steady, None) == mean_interval(steady)
    assert isinstance(grouped_mean_interval([0.1, 0.2], [0, 1]), Unavailable)


def test_the_mean_of_accuracies_is_held_over_fresh_originals():
    rng, places, held = np.random.default_rng(11), np.arange(64) % 4, 0
    for _ in range(400):
        values = rng.normal(0, 1, 4)[places] + rng.normal(0, 4, 64)
        held += 0.0 in grouped_mean_interval(values, places)
    assert 0.92 <= held / 400 <= 0.985
