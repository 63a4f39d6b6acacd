"""Comparing two results: calibrated, paired, and frank about what it cannot tell."""

import numpy as np
import pytest

from harness.errors import UsageError
from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.official.utility import Utility
from harness.metrics.uncertainty.originals import OriginalsNoise
from harness.metrics.uncertainty.paired import (
    PairedDifference,
    difference_of,
    paired_difference,
)
from harness.metrics.uncertainty.paired_noise import models_needed
from harness.metrics.uncertainty.quality_variance import NoiseParts
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.metrics.uncertainty.scoring_noise import Scoring
from tests.metrics.tables import outputs


def side(shift, rng, models=16, examples=20, together=0.3):
    """Runs that also vary as a whole, so examples are not independent."""
    run = together * rng.normal(size=(models, 1))
    return outputs(shift + run + rng.normal(size=(models, examples)))


def test_equal_methods_are_called_different_in_about_five_percent():
    rng = np.random.default_rng(0)
    found = sum(
        paired_difference(
            side(0.7, rng), side(0.7, rng), side(0.0, rng), seed=s
        ).separable
        for s in range(40)
    )
    assert found <= 7  # 5 % of 40 is 2, and 7 is three and a half deviations more


def test_the_interval_covers_the_mean_difference():
    rng = np.random.default_rng(1)
    results = [
        paired_difference(side(0.2, rng), side(1.2, rng), side(0.0, rng), seed=s)
        for s in range(40)
    ]
    truth = np.mean([r.difference for r in results])
    covered = sum(r.low <= truth <= r.high for r in results)
    assert truth > 0.02
    assert covered >= 33


def test_drawn_examples_ask_more_than_fixed_ones():
    """Each method is better on some examples: only these same ones can tell."""
    rng = np.random.default_rng(6)
    lean = np.where(np.arange(60) < 34, 2.0, -2.0)
    a = outputs(rng.normal(np.maximum(lean, 0), 1, (32, 60)))
    b = outputs(rng.normal(np.maximum(-lean, 0), 1, (32, 60)))
    bank = outputs(rng.normal(0, 1, (32, 60)))
    fixed = paired_difference(a, b, bank, seed=0)
    drawn = paired_difference(a, b, bank, seed=0, examples="drawn")
    assert fixed.difference == drawn.difference
    assert drawn.low < fixed.low < fixed.high < drawn.high
    assert fixed.separable and not drawn.separable
    assert (fixed.examples, drawn.examples) == ("fixed", "drawn")


def test_the_variance_of_drawn_examples_counts_their_own_noise_once():
    """Where examples do not truly differ, new ones scatter no more than these."""
    noise = NoiseParts(own=0.02, shared=0.01, spread=0.02)
    assert noise.variance("drawn") == noise.variance("fixed") == pytest.approx(0.03)
    apart = NoiseParts(own=0.02, shared=0.01, spread=0.05)
    assert apart.variance("drawn") == pytest.approx(0.05 + 0.01)


def test_equal_methods_stay_together_when_examples_are_drawn_as_well():
    rng = np.random.default_rng(7)
    found = 0
    for seed in range(40):
        base = rng.normal(0, 2, 20)
        sides = (side(base + shift, rng) for shift in (0.7, 0.7, 0.0))
        found += paired_difference(*sides, seed=seed, examples="drawn").separable
    assert found <= 7


def test_submissions_scored_once_give_the_same_differences():
    rng = np.random.default_rng(8)
    a, b, bank = (side(shift, rng) for shift in (0.2, 0.9, 0.0))
    scored = [ScoredSubmission.of(each, bank, seed=3) for each in (a, b)]
    for examples in ("fixed", "drawn"):
        assert difference_of(*scored, examples=examples) == paired_difference(
            a, b, bank, seed=3, examples=examples
        )


def test_a_scoring_at_hand_is_taken_over_with_its_accuracies():
    rng = np.random.default_rng(9)
    (a, bank), shares = (side(0.5, rng), side(0.0, rng)), rng.uniform(0.5, 0.6, (4, 16))
    ours = outputs(a.forget_confidence, shares[0], shares[2])
    theirs = outputs(bank.forget_confidence, shares[1], shares[3])
    pair = ConfidencePair(a.forget_confidence, bank.forget_confidence)
    scoring = Scoring.of(pair, np.random.default_rng(5), 1e-5)
    taken = ScoredSubmission.from_scoring(
        scoring, Utility(ours, theirs), pair.retrained, 5
    )
    scored = ScoredSubmission.of(ours, theirs, seed=5)
    assert taken.value == scored.value
    assert difference_of(taken, scored).p_value == 1.0


def test_submissions_that_were_not_scored_alike_are_refused():
    rng = np.random.default_rng(10)
    a, bank, other = (side(0.0, rng) for _ in range(3))
    scored = ScoredSubmission.of(a, bank, seed=0)
    with pytest.raises(UsageError, match="N = 16, seed 0 for its F and B with N = 16"):
        difference_of(scored, ScoredSubmission.of(a, bank, seed=1))
    with pytest.raises(UsageError, match="other retrained models"):
        difference_of(scored, ScoredSubmission.of(a, other, seed=0))
    with pytest.raises(UsageError, match="use 'fixed' or 'drawn'"):
        difference_of(scored, scored, examples="some")


def test_one_example_cannot_stand_for_others():
    one = outputs(np.random.default_rng(0).normal(size=(16, 1)))
    with pytest.raises(UsageError, match="There is 1 example"):
        paired_difference(one, one, one, seed=0, examples="drawn")


def test_a_plainly_better_method_is_named_whichever_comes_first():
    rng = np.random.default_rng(2)
    good, bad, bank = (side(shift, rng, models=32) for shift in (0.0, 3.0, 0.0))
    forward = paired_difference(good, bad, bank, seed=0)
    backward = paired_difference(bad, good, bank, seed=0)
    assert forward.difference == -backward.difference
    assert forward.separable and backward.separable
    assert forward.models_needed is None
    assert forward.verdict("good", "bad").startswith("good is better than bad (")
    assert backward.verdict("bad", "good").startswith("good is better than bad (")
    low = float(backward.verdict("bad", "good").split("interval ")[1].split(" to")[0])
    assert low > 0


def test_a_result_compared_with_itself_is_not_separable_from_it():
    rng = np.random.default_rng(3)
    same, bank = side(0.5, rng), side(0.0, rng)
    result = paired_difference(same, same, bank, seed=0)
    assert (result.difference, result.models_needed) == (0.0, None)
    assert not result.separable
    assert "more models alone would not separate them" in result.verdict("A", "A")


def test_models_without_variance_give_a_certain_answer_without_warnings():
    flat, moved = outputs(np.zeros((8, 3))), outputs(np.ones((8, 3)))
    equal = paired_difference(flat, flat, flat, seed=0)
    assert (equal.p_value, equal.low, equal.high) == (1.0, 0.0, 0.0)
    certain = paired_difference(flat, moved, flat, seed=0)
    assert (certain.first, certain.second) == (0.0, 0.0)


def test_accuracies_make_it_a_difference_of_scores():
    rng = np.random.default_rng(4)
    values = [rng.normal(size=(16, 10)) for _ in range(3)]
    half = np.full(16, 0.5)
    a = outputs(values[0], np.full(16, 0.4), half)
    b = outputs(values[0], half, half)
    bank = outputs(values[2], half, half)
    result = paired_difference(a, b, bank, seed=0)
    assert result.quantity == "score"
    assert result.first == pytest.approx(0.8 * result.second)


def test_the_order_of_examples_and_the_inputs_do_not_change():
    rng = np.random.default_rng(5)
    arrays = [rng.normal(shift, 1, (12, 7)) for shift in (0.5, 1.0, 0.0)]
    before = [array.copy() for array in arrays]
    result = paired_difference(*(outputs(a) for a in arrays), seed=0)
    turned = paired_difference(*(outputs(a[:, ::-1]) for a in arrays), seed=0)
    assert turned.difference == pytest.approx(result.difference)
    assert turned.low == pytest.approx(result.low)
    for array, copy in zip(arrays, before, strict=True):
        assert (array == copy).all()


def one_original(parts):
    return OriginalsNoise(parts, parts, 1, 0.0, 0.0)


def test_noise_that_runs_share_falls_with_the_number_of_models():
    """Shared variance v at N = 64 asks for t² v N / d² models."""
    noise = one_original(NoiseParts(0.0, 0.01**2, 0.0))
    needed = models_needed(0.01, noise, 64)
    assert 240 <= needed <= 300  # 1.97 ** 2 * 64 = 248, in steps of an eighth octave
    assert needed < models_needed(0.005, noise, 64)
    assert models_needed(-0.005, noise, 64) == models_needed(0.005, noise, 64)
    assert models_needed(0.1, noise, 64) == 65
    assert models_needed(1e-6, noise, 64) is None
    assert models_needed(0.0, noise, 64) is None


def test_noise_that_does_not_fall_cannot_be_helped_by_more_models():
    noise = one_original(NoiseParts(0.01**2, 0.0, 0.01**2))
    assert models_needed(0.01, noise, 64) is None


def test_more_models_do_not_help_where_the_examples_differ():
    noise = one_original(NoiseParts(0.0, 0.002**2, 0.01**2))
    assert models_needed(0.01, noise, 64) == 65
    assert models_needed(0.01, noise, 64, "drawn") is None


def test_the_verdict_says_what_would_do():
    result = PairedDifference("F", 0.04, 0.05, -0.01, -0.03, 0.01, 0.3, 64, 300)
    assert result.verdict("A", "B") == (
        "not separable at N = 64 (difference in F 0.0100, 95 % interval -0.0100 to "
        "0.0300); about N = 300 would do"
    )


def test_what_cannot_be_compared_is_refused_in_one_sentence():
    eight, nine = outputs(np.zeros((8, 3))), outputs(np.zeros((9, 3)))
    wide = outputs(np.zeros((8, 4)))
    scored = outputs(np.zeros((8, 3)), np.ones(8), np.ones(8))
    with pytest.raises(UsageError, match="A has 8 models and B 9"):
        paired_difference(eight, nine, eight, seed=0)
    with pytest.raises(UsageError, match="cover 3, 4 and 3 examples"):
        paired_difference(eight, wide, eight, seed=0)
    with pytest.raises(UsageError, match="Only one of A and B"):
        paired_difference(eight, scored, eight, seed=0)
    with pytest.raises(UsageError, match="bank lacks the accuracies"):
        paired_difference(scored, scored, eight, seed=0)
    three = outputs(np.zeros((3, 3)))
    for models in ((three, three, eight), (eight, eight, three)):
        with pytest.raises(UsageError, match=r"There are 3 models; .* needs N ≥ 4"):
            paired_difference(*models, seed=0)
