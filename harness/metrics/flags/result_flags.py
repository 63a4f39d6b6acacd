"""All flags of a result. Never silent, and never changing the official score."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import UsageError
from harness.metrics.flags.attack_gap import attack_gap_flag
from harness.metrics.flags.calibration_noise import calibration_noise_flag
from harness.metrics.flags.clustered_runs import clustered_runs_flag
from harness.metrics.flags.flag import Flag, FlagCode
from harness.metrics.flags.removable_noise import calibrated_pair, removable_noise_flag
from harness.metrics.flags.run_structure import mixed_runs_flag, outlier_runs_flag
from harness.metrics.inputs.confidence import forget_pair
from harness.metrics.literature.accuracy_gaps import accuracy_table, gap_intervals
from harness.metrics.official.metric import OfficialMetric
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.models.outputs import ModelOutputs
from harness.models.records import RunRecord, unexplained_seconds

UNMOVED = 1e-6
"""Largest relative movement of the weights that counts as none."""

UNEXPLAINED = 1.0
"""Wall seconds that the CPU seconds of the median run may leave unexplained."""

UTILITY_ALPHA = 0.001
"""Significance at which an accuracy must exceed that of retraining to be flagged."""


@dataclass(frozen=True)
class ResultFacts:
    """What is known of a result besides its models' outputs; None where it is not.

    `runs` are the records of the runs that made the models. `ceiling_high` is the
    largest F that retraining itself plausibly gets at this N, the upper end of the
    ceiling's range over single draws.
    `scored` are the same models, scored by official confidences and by calibrated ones,
    and `kept_by_retraining` is the share of F that retraining itself keeps.
    """

    runs: Sequence[RunRecord] = ()
    ceiling_high: float | None = None
    scored: tuple[ScoredSubmission, ScoredSubmission] | None = None
    kept_by_retraining: float = 1.0


def result_flags(
    unlearned: ModelOutputs,
    retrained: ModelOutputs,
    official: OfficialMetric,
    facts: ResultFacts,
    *,
    seed: int,
) -> tuple[Flag, ...]:
    """Return every flag that a result raises, in the order of `FlagCode`.

    `official` is of the same models; `seed` decides the halves of the cross-fit.
    """
    pair, quality = forget_pair(unlearned, retrained), official.forgetting_quality
    raised = [
        attack_gap_flag(pair, official.epsilon, seed=seed),
        outlier_runs_flag(pair),
        mixed_runs_flag(pair),
        clustered_runs_flag(calibrated_pair(unlearned, retrained)),
        removable_noise_flag(unlearned, retrained, quality),
    ]
    if facts.scored is not None:
        noise = calibration_noise_flag(*facts.scored, facts.kept_by_retraining)
        raised.insert(-1, noise)
    if facts.runs:
        raised.append(identical_weights_flag([r.weights_sha256 for r in facts.runs]))
        raised.append(unmoved_weights_flag([run.moved for run in facts.runs]))
        raised.append(waiting_runs_flag(facts.runs))
    if facts.ceiling_high is not None:
        raised.append(above_ceiling_flag(quality, facts.ceiling_high))
    if unlearned.has_accuracies and retrained.has_accuracies:
        raised.append(utility_above_one_flag(quality, unlearned, retrained))
    return tuple(flag for flag in raised if flag is not None)


def identical_weights_flag(hashes: Sequence[str]) -> Flag | None:
    """Flag runs that returned the very same weights, by one hash a run."""
    alike = sum(count for count in Counter(hashes).values() if count > 1)
    if alike == 0:
        return None
    return Flag(
        FlagCode.IDENTICAL_WEIGHTS,
        f"{alike} of {len(hashes)} runs returned weights identical to another run's; "
        "the submission ignores its seed, so these are not independent models.",
        {"alike": alike, "runs": len(hashes), "distinct": len(set(hashes))},
    )


def unmoved_weights_flag(movement: ArrayLike) -> Flag | None:
    """Flag runs that gave the original model back.

    `movement` is ``‖θ - θ_original‖ / ‖θ_original‖`` of each run, or whether it moved.
    """
    distance = np.asarray(movement)
    if distance.dtype.kind not in "bfiu" or distance.ndim != 1 or distance.size == 0:
        raise UsageError(
            f"Weight movements are {distance.dtype} of shape {distance.shape}; give "
            "one number or truth value a run."
        )
    if not (np.isfinite(distance) & (distance >= 0)).all():
        raise UsageError("Weight movements hold negative, NaN or infinite values.")
    still = int((distance <= UNMOVED).sum())
    if still == 0:
        return None
    return Flag(
        FlagCode.UNMOVED_WEIGHTS,
        f"{still} of {distance.size} runs returned the weights of the original model.",
        {"unmoved": still, "runs": int(distance.size)},
    )


def waiting_runs_flag(runs: Sequence[RunRecord]) -> Flag | None:
    """Flag runs most of which took far more wall seconds than CPU seconds.

    Work that is done where nobody counts it looks like this, and so does a machine on
    which others compute.
    """
    cpu = float(np.median([run.cpu_seconds for run in runs]))
    wall = float(np.median([run.wall_seconds for run in runs]))
    if unexplained_seconds(cpu, wall) <= UNEXPLAINED:
        return None
    return Flag(
        FlagCode.WAITING_RUNS,
        f"The median run took {wall:.1f} s for {cpu:.1f} CPU seconds: others used the "
        "machine, or work was done where it is not counted.",
        {"wall_seconds": wall, "cpu_seconds": cpu},
    )


def above_ceiling_flag(forgetting_quality: float, ceiling_high: float) -> Flag | None:
    """Flag an F that not even retraining plausibly gets."""
    if forgetting_quality <= ceiling_high:
        return None
    return Flag(
        FlagCode.ABOVE_CEILING,
        f"F = {forgetting_quality:.3f} is above {ceiling_high:.3f}, the most that "
        "retraining itself plausibly gets at this N; no method can forget better.",
        {"f": forgetting_quality, "ceiling_high": ceiling_high},
    )


def utility_above_one_flag(
    forgetting_quality: float, unlearned: ModelOutputs, retrained: ModelOutputs
) -> Flag | None:
    """Flag accuracies above those of retraining, and give the score without them.

    The official ratios are not clipped, so accuracy beyond retraining's buys score.
    Flagged when the gap on the retain or the test set is above 0 at `UTILITY_ALPHA`.
    """
    if min(len(unlearned), len(retrained)) < 2:
        return None
    above = gap_intervals(unlearned, retrained, UTILITY_ALPHA)[1:, 1] > 0.0
    if not above.any():
        return None
    ours = accuracy_table(unlearned).mean(axis=0)[1:]
    theirs = accuracy_table(retrained).mean(axis=0)[1:]
    if not theirs.all():
        return None
    ratios = ours / theirs
    official = float(forgetting_quality * ratios.prod())
    clipped = float(forgetting_quality * np.minimum(ratios, 1.0).prod())
    names = " and ".join(
        f"{name} {ratio:.3f}"
        for name, ratio, high in zip(("RA", "TA"), ratios, above, strict=True)
        if high
    )
    return Flag(
        FlagCode.UTILITY_ABOVE_ONE,
        f"Utility above that of retraining ({names} of 1) lifts the score; with ratios "
        f"clipped at 1 it would be {clipped:.4f} instead of {official:.4f}.",
        {
            "retain_ratio": float(ratios[0]),
            "test_ratio": float(ratios[1]),
            "score": official,
            "clipped_score": clipped,
        },
    )
