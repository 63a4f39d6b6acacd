"""Noise, copies and mixtures: what each number and each flag says of them."""

import numpy as np
import pytest

from harness.metrics.attacks.certified import certified_epsilon
from harness.metrics.flags.calibration_noise import calibration_noise_flag
from harness.metrics.flags.clustered_runs import clustered_runs_flag
from harness.metrics.flags.flag import FlagCode
from harness.metrics.flags.removable_noise import removable_noise_flag, spreads
from harness.metrics.flags.result_flags import ResultFacts, result_flags
from harness.metrics.inputs.confidence import forget_pair
from harness.metrics.official.metric import official_metric
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from tests.metrics.flags.cheats import (
    World,
    biased,
    cached,
    halved,
    matched,
    mixed,
    rank_one,
    times,
    tuned,
    with_outliers,
)

COPIES, NOISE = FlagCode.CLUSTERED_RUNS, FlagCode.REMOVABLE_NOISE
WORLD = World()


@pytest.fixture(scope="module")
def bank():
    return WORLD.outputs(WORLD.crowd(np.random.default_rng(1)))


def unlearned(cheat, seed=5):
    return WORLD.outputs(cheat(WORLD, np.random.default_rng(seed)))


def quality(outputs, bank):
    return official_metric(outputs, bank).forgetting_quality


def flags_of(ours, bank):
    """Every flag of a result, as scoring asks for them."""
    pairs = (ours, bank), (ours.calibrated(), bank.calibrated())
    scored = tuple(ScoredSubmission.of(*each, seed=0) for each in pairs)
    facts = ResultFacts(scored=scored)
    raised = result_flags(ours, bank, official_metric(ours, bank), facts, seed=0)
    return {flag.code for flag in raised}


@pytest.mark.parametrize(
    ("cheat", "raised"),
    [
        (times(0.4), {NOISE}),
        (times(0.6), {NOISE}),
        (biased(0.6), {NOISE, FlagCode.CALIBRATION_NOISE}),
        (biased(1.0), {NOISE, FlagCode.CALIBRATION_NOISE}),
    ],
)
def test_noise_in_the_last_layer_buys_official_f_alone_and_is_flagged(
    cheat, raised, bank
):
    honest, noisy = unlearned(tuned), unlearned(cheat)
    assert quality(noisy, bank) > 1.3 * quality(honest, bank)
    left, before = (
        quality(each.calibrated(), bank.calibrated()) for each in (noisy, honest)
    )
    assert left == before
    assert flags_of(noisy, bank) == raised


@pytest.mark.parametrize("cheat", [times(0.1), biased(0.3)])
def test_a_little_noise_raises_no_flag_and_leaves_calibrated_f_to_the_digit(
    cheat, bank
):
    """Three times retraining's own spread is honest in some methods."""
    honest, noisy = unlearned(tuned), unlearned(cheat)
    assert quality(noisy, bank) > 1.1 * quality(honest, bank)
    left = quality(noisy.calibrated(), bank.calibrated())
    assert left == quality(honest.calibrated(), bank.calibrated())
    assert not flags_of(noisy, bank)


def test_one_factor_for_all_runs_costs_official_f_and_not_the_calibrated_one(bank):
    honest, half = unlearned(tuned), unlearned(halved)
    assert quality(half, bank) < 0.8 * quality(honest, bank)
    left = quality(half.calibrated(), bank.calibrated())
    assert left == quality(honest.calibrated(), bank.calibrated())
    assert not flags_of(half, bank)


@pytest.mark.parametrize("k", [2, 4, 8, 16])
def test_k_kept_models_drawn_by_the_seed_are_seen_by_their_copies(k, bank):
    """With K = 16 both F are high, and no bound for one example says anything."""
    ours = unlearned(cached(k))
    assert COPIES in flags_of(ours, bank)
    hidden = clustered_runs_flag(forget_pair(ours.calibrated(), bank.calibrated()))
    assert hidden is not None
    assert hidden.evidence["groups"] <= k


def test_copies_are_seen_though_each_run_rescales_them(bank):
    rng = np.random.default_rng(2)
    copies = cached(4)(WORLD, rng).changed(np.exp(rng.normal(0, 0.6, 32)))
    assert COPIES in flags_of(WORLD.outputs(copies), bank)


def test_one_kept_model_has_no_spread_and_earns_nothing(bank):
    ours = unlearned(cached(1))
    assert quality(ours.calibrated(), bank.calibrated()) < 0.02
    pair = forget_pair(ours, bank)
    assert certified_epsilon(*pair, seed=0).mean > 1.0
    assert not flags_of(ours, bank)


@pytest.mark.parametrize("k", [2, 3, 4, 5, 6])
def test_a_mixture_of_methods_that_over_and_underdo_it_is_seen_in_whole_runs(k, bank):
    """It fools both F and the certified bound: no example by itself gives it away."""
    ours = unlearned(mixed(k))
    honest = quality(unlearned(tuned).calibrated(), bank.calibrated())
    assert quality(ours.calibrated(), bank.calibrated()) > 2.5 * honest
    pair = forget_pair(ours.calibrated(), bank.calibrated())
    assert certified_epsilon(*pair, seed=0).mean < 0.1
    assert NOISE in flags_of(ours, bank)


def test_methods_that_differ_little_cannot_be_told_from_one(bank):
    assert not flags_of(unlearned(mixed(2, apart=0.1)), bank)


def test_outlier_runs_raise_their_flag_and_move_whole_runs(bank):
    assert {FlagCode.OUTLIER_RUNS, NOISE} <= flags_of(unlearned(with_outliers), bank)


def test_a_crowd_that_moves_with_one_number_a_run_is_seen_by_its_copies(bank):
    """Along one direction the nearest of 32 runs is near."""
    assert COPIES in flags_of(unlearned(rank_one), bank)


def test_a_crowd_matched_to_retrainings_quantiles_cannot_be_told_from_forgetting(bank):
    ours = unlearned(matched)
    honest = quality(unlearned(tuned), bank)
    assert quality(ours, bank) > 4 * honest
    assert quality(ours.calibrated(), bank.calibrated()) > 4 * honest
    assert certified_epsilon(*forget_pair(ours, bank), seed=0).mean < 0.1
    assert not flags_of(ours, bank)


@pytest.mark.parametrize("seed", range(2))
def test_retraining_held_out_and_honest_methods_raise_none(seed, bank):
    for cheat in (
        lambda world, rng: world.crowd(rng),
        tuned,
        lambda world, rng: tuned(world, rng, spread=1.4),
        lambda world, rng: tuned(world, rng, along=0.3),
    ):
        assert not flags_of(unlearned(cheat, seed), bank)


def test_noise_that_buys_nothing_is_no_cheat(bank):
    ours = unlearned(times(0.6))
    assert removable_noise_flag(ours, bank, quality=0.019) is None
    assert removable_noise_flag(ours, bank, quality=0.021) is not None


def test_without_calibrations_whole_runs_are_still_looked_at(bank):
    plain = [
        type(bank)(forget_confidence=each.forget_confidence)
        for each in (unlearned(mixed(3)), bank)
    ]
    names = [each.name for each in spreads(*plain)]
    assert names == ["mean confidence", "principal component"]
    assert removable_noise_flag(*plain, quality=0.1) is not None


def test_what_retraining_loses_too_is_no_noise(bank):
    noisy = unlearned(biased(1.0))
    pairs = (noisy, bank), (noisy.calibrated(), bank.calibrated())
    scored = [ScoredSubmission.of(*each, seed=0) for each in pairs]
    assert calibration_noise_flag(*scored, kept=0.95) is not None
    assert calibration_noise_flag(*scored, kept=0.5) is None
