"""Gaming flags: the known cheats raise them, honest results do not."""

from dataclasses import replace

import numpy as np
import pytest

from harness.errors import UsageError
from harness.metrics.attacks.certified import certified_epsilon
from harness.metrics.flags.flag import FlagCode
from harness.metrics.flags.result_flags import (
    ResultFacts,
    above_ceiling_flag,
    identical_weights_flag,
    result_flags,
    unmoved_weights_flag,
    utility_above_one_flag,
    waiting_runs_flag,
)
from harness.metrics.flags.run_structure import two_group_share
from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.official.metric import official_metric
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from tests.metrics.tables import of_accuracies, outputs
from tests.typed_results import run_record


def outlier_attack(rng, models=64, examples=200):
    """A tight core, and 5 % of the runs far out on each side."""
    unlearned = rng.normal(0, 0.25, (models, examples))
    out = max(1, round(0.05 * models))
    unlearned[:out] = rng.normal(2, 0.1, (out, examples))
    unlearned[out : 2 * out] = rng.normal(-2, 0.1, (out, examples))
    return ConfidencePair(
        rng.permutation(unlearned), rng.normal(size=(models, examples))
    )


def mixture_attack(rng, models=64, examples=200):
    """Half of the runs forget too little, half too much, none as retraining does."""
    side = np.repeat([1.5, -1.5], models // 2)[:, None]
    unlearned = side + rng.normal(0, 0.1, (models, examples))
    return ConfidencePair(
        rng.permutation(unlearned), rng.normal(size=(models, examples))
    )


def blended_attack(rng, models=64, examples=200):
    """Two methods whose mixture has the mean and variance of retraining."""
    side = np.repeat([0.8, -0.8], models // 2)[:, None]
    unlearned = side + rng.normal(0, 0.6, (models, examples))
    return ConfidencePair(
        rng.permutation(unlearned), rng.normal(size=(models, examples))
    )


def honest(rng, kind, models=64, examples=40):
    """Unlearned runs that differ from retraining, or do not, without structure."""
    shape = (models, examples)
    noise = (lambda: rng.standard_t(3, shape)) if kind == "heavy" else None
    draw = noise or (lambda: rng.normal(size=shape))
    together = 0.6 if kind == "together" else 0.0
    base = rng.normal(0, 3, examples)
    shift = rng.normal(1, 0.7, examples) if kind in ("shifted", "together") else 0.0
    width = 0.4 if kind == "narrow" else 1.0
    sides = [
        base + shift + width * draw() + together * rng.normal(size=(models, 1)),
        base + draw() + together * rng.normal(size=(models, 1)),
    ]
    return ConfidencePair(*sides)


def flagged(pair, seed=0):
    models = [outputs(each) for each in pair]
    flags = result_flags(*models, official_metric(*models), ResultFacts(), seed=seed)
    return {flag.code: flag for flag in flags}


def quality(pair):
    return official_metric(*map(outputs, pair)).forgetting_quality


def test_outlier_runs_fool_the_official_metric_and_nothing_else():
    rng = np.random.default_rng(0)
    pair = outlier_attack(rng)
    core = ConfidencePair(rng.normal(0, 0.25, pair[0].shape), pair.retrained)
    fooled = quality(pair)
    # The published figures: F 0.097 where the best intervals leave 0.020.
    assert fooled == pytest.approx(0.097, abs=0.015)
    assert quality(core) < 0.02
    flags = flagged(pair)
    assert set(flags) == {
        FlagCode.ATTACK_GAP,
        FlagCode.OUTLIER_RUNS,
        FlagCode.CLUSTERED_RUNS,
        FlagCode.REMOVABLE_NOISE,
    }
    assert flags[FlagCode.OUTLIER_RUNS].evidence["outlier_runs"] == 6
    assert flags[FlagCode.ATTACK_GAP].evidence["cross_fitted_f"] < 0.75 * fooled


def test_a_mixture_of_two_methods_fools_the_official_metric_and_nothing_else():
    pair = mixture_attack(np.random.default_rng(1))
    assert quality(pair) > 0.05
    flags = flagged(pair)
    assert set(flags) == {
        FlagCode.ATTACK_GAP,
        FlagCode.MIXED_RUNS,
        FlagCode.CLUSTERED_RUNS,
        FlagCode.REMOVABLE_NOISE,
    }
    assert flags[FlagCode.MIXED_RUNS].evidence["smaller_group"] == 32
    assert flags[FlagCode.ATTACK_GAP].evidence["cross_fitted_f"] < 0.02


def test_a_mixture_that_blends_in_is_still_seen_in_the_runs():
    pair = blended_attack(np.random.default_rng(2))
    assert quality(pair) > 0.12
    assert set(flagged(pair)) == {FlagCode.MIXED_RUNS, FlagCode.REMOVABLE_NOISE}


def test_the_certified_epsilon_is_fooled_by_neither():
    rng = np.random.default_rng(3)
    null = ConfidencePair(*rng.normal(size=(2, 64, 200)))
    at_best = certified_epsilon(*null, seed=0).mean
    assert at_best < 0.02
    assert certified_epsilon(*outlier_attack(rng), seed=0).mean > 0.15
    assert certified_epsilon(*mixture_attack(rng), seed=0).mean > 1.0
    many = outlier_attack(rng, models=512, examples=40)
    assert certified_epsilon(*many, seed=0).mean > 1.5


@pytest.mark.parametrize(
    "kind", ["retrained", "shifted", "narrow", "heavy", "together"]
)
def test_honest_results_raise_no_flag(kind):
    """No false alarm in 20 benchmarks of each kind, 100 in all."""
    rng = np.random.default_rng(4)
    for seed in range(20):
        models = (16, 32, 64)[seed % 3]
        assert flagged(honest(rng, kind, models), seed) == {}


def test_too_few_models_to_tell_raise_no_flag():
    assert flagged(mixture_attack(np.random.default_rng(5), models=14)) == {}


def test_runs_without_any_variance_raise_no_flag_and_no_warning():
    pair = ConfidencePair(np.ones((32, 4)), np.ones((32, 4)))
    assert flagged(pair) == {}


def test_two_group_share_is_that_of_trying_every_split():
    rng = np.random.default_rng(6)
    values = rng.normal(size=23)
    ordered, total = np.sort(values), values.var() * 23
    best = max(
        1 - (ordered[:k].var() * k + ordered[k:].var() * (23 - k)) / total
        for k in range(3, 21)
    )
    assert two_group_share(values)[0] == pytest.approx(best)
    assert two_group_share(np.ones(20)) == (0.0, 0)
    assert two_group_share(np.repeat([0.0, 1.0], [5, 15])) == (1.0, 5)


def test_identical_weights_are_counted():
    flag = identical_weights_flag(["a", "b", "a", "c", "c", "c"])
    assert flag.code == "identical-weights"
    assert flag.evidence == {"alike": 5, "runs": 6, "distinct": 3}
    assert identical_weights_flag(["a", "b"]) is None


def test_weights_that_did_not_move_are_counted_from_numbers_or_truth_values():
    assert unmoved_weights_flag([0.1, 0.0, 1e-8]).evidence["unmoved"] == 2
    assert unmoved_weights_flag([True, False]).message == (
        "1 of 2 runs returned the weights of the original model."
    )
    assert unmoved_weights_flag([0.1, 0.2]) is None
    for bad in ([float("nan")], [-1.0], [], ["far"]):
        with pytest.raises(UsageError, match="Weight movements"):
            unmoved_weights_flag(bad)


def test_a_score_above_the_ceiling_is_flagged():
    assert above_ceiling_flag(0.25, 0.21).evidence["ceiling_high"] == 0.21
    assert above_ceiling_flag(0.21, 0.21) is None


def test_utility_above_one_gives_the_clipped_score_beside_the_official_one():
    spread = np.linspace(-0.01, 0.01, 20)
    better = of_accuracies(spread + 0.5, spread + 0.88, spread + 0.5)
    retrained = of_accuracies(spread + 0.5, spread + 0.8, spread + 0.55)
    flag = utility_above_one_flag(0.1, better, retrained)
    assert flag.evidence["score"] == pytest.approx(0.1 * 1.1 * 0.5 / 0.55)
    assert flag.evidence["clipped_score"] == pytest.approx(0.1 * 0.5 / 0.55)
    assert "RA 1.100" in flag.message
    assert "TA" not in flag.message
    assert utility_above_one_flag(0.1, retrained, retrained) is None


@pytest.mark.parametrize(
    ("cpu", "wall", "raised"),
    [(1.0, 4.5, False), (1.0, 5.5, True), (0.01, 1.9, False), (0.01, 2.5, True)],
)
def test_runs_that_wait_are_flagged(cpu, wall, raised):
    runs = [run_record(i, cpu_seconds=cpu, wall_seconds=wall) for i in range(3)]
    one_waits = [*runs[:2], replace(runs[2], wall_seconds=99.0)]

    assert (waiting_runs_flag(runs) is not None) == raised
    assert (waiting_runs_flag(one_waits) is not None) == raised


def test_all_flags_of_a_result_come_together_in_order():
    pair = mixture_attack(np.random.default_rng(7))
    ours, theirs = (
        outputs(each, accuracies=[np.full(64, share) for share in (0.5, retain, 0.5)])
        for each, retain in zip(pair, (0.9, 0.8), strict=True)
    )
    noisy = ScoredSubmission.of(ours, theirs, seed=0)
    quiet = replace(
        noisy, value=0.0, earned=0 * noisy.earned, divisions=noisy.divisions
    )
    facts = ResultFacts(
        runs=[
            run_record(i, weights_sha256="a", moved=moved, wall_seconds=9.0)
            for i, moved in enumerate((0.0, 0.1))
        ],
        ceiling_high=0.01,
        scored=(noisy, quiet),
    )
    flags = result_flags(ours, theirs, official_metric(ours, theirs), facts, seed=0)
    codes = [flag.code for flag in flags]
    order = list(FlagCode)
    assert codes == sorted(codes, key=order.index)
    assert set(order) - set(codes) == {FlagCode.OUTLIER_RUNS}
