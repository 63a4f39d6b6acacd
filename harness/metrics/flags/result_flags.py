"""All flags of a result. Never silent, and never changing the official score."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import UsageError
from harness.metrics.flags.attack_gap import attack_gap_flag
from harness.metrics.flags.flag import Flag, FlagCode
from harness.metrics.flags.run_structure import mixed_runs_flag, outlier_runs_flag
from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.literature.accuracy_gaps import Accuracies, gap_intervals
from harness.metrics.uncertainty.paired import PairedDifference

UNMOVED = 1e-6
"""Largest relative movement of the weights that counts as none."""

UTILITY_ALPHA = 0.001
"""Level at which an accuracy must exceed that of retraining to be flagged."""


@dataclass(frozen=True)
class FlagInputs:
    """What is known of a result; None where it is not.

    Attributes
    ----------
    pair : ConfidencePair
        ``[N, S]`` unlearned and ``[M, S]`` retrained confidences.
    official_epsilon : ndarray, shape [S]
    forgetting_quality : float
        The official F.
    accuracies : tuple of two Accuracies, or None
        Of the unlearned and of the retrained models.
    weight_hashes : sequence of str, or None
        One a run.
    weight_movement : array_like, shape [N], or None
        Relative distance of each run's weights from the original model's, or whether
        they moved at all.
    ceiling_high : float or None
        The largest F that retraining itself plausibly gets at this N, the upper end of
        the ceiling's range over single draws.
    """

    pair: ConfidencePair
    official_epsilon: NDArray[np.float64]
    forgetting_quality: float
    accuracies: tuple[Accuracies, Accuracies] | None = None
    weight_hashes: Sequence[str] | None = None
    weight_movement: ArrayLike | None = None
    ceiling_high: float | None = None


def result_flags(inputs: FlagInputs, *, seed: int) -> tuple[Flag, ...]:
    """Return every flag that a result raises, in the order of `FlagCode`.

    Parameters
    ----------
    inputs : FlagInputs
    seed : int
        Decides the halves of the cross-fitted attacks.
    """
    raised = [
        attack_gap_flag(inputs.pair, inputs.official_epsilon, seed=seed),
        outlier_runs_flag(inputs.pair),
        mixed_runs_flag(inputs.pair),
    ]
    if inputs.weight_hashes is not None:
        raised.append(identical_weights_flag(inputs.weight_hashes))
    if inputs.weight_movement is not None:
        raised.append(unmoved_weights_flag(inputs.weight_movement))
    if inputs.ceiling_high is not None:
        raised.append(
            above_ceiling_flag(inputs.forgetting_quality, inputs.ceiling_high)
        )
    if inputs.accuracies is not None:
        raised.append(
            utility_above_one_flag(inputs.forgetting_quality, *inputs.accuracies)
        )
    return tuple(flag for flag in raised if flag is not None)


def identical_weights_flag(hashes: Sequence[str]) -> Flag | None:
    """Flag runs that returned the very same weights.

    Parameters
    ----------
    hashes : sequence of str
        One hash of the returned weights a run.
    """
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

    Parameters
    ----------
    movement : array_like of float or bool, shape [N]
        ``‖θ - θ_original‖ / ‖θ_original‖`` of each run, or whether it moved.

    Raises
    ------
    UsageError
        Not one finite number of at least 0 a run.
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
    forgetting_quality: float, unlearned: Accuracies, retrained: Accuracies
) -> Flag | None:
    """Flag accuracies above those of retraining, and give the score without them.

    The official ratios are not clipped, so accuracy beyond retraining's buys score.
    Flagged when the gap on the retain or the test set is above 0 at `UTILITY_ALPHA`.

    Parameters
    ----------
    forgetting_quality : float
    unlearned, retrained : Accuracies
        Of N and M >= 2 models.
    """
    if min(len(unlearned.retain), len(retrained.retain)) < 2:
        return None
    above = gap_intervals(unlearned, retrained, UTILITY_ALPHA)[1:, 1] > 0.0
    if not above.any():
        return None
    ours = unlearned.table().mean(axis=0)[1:]
    theirs = retrained.table().mean(axis=0)[1:]
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


def too_few_models_flag(
    difference: PairedDifference, name_a: str, name_b: str
) -> Flag | None:
    """Flag a difference that is shown although N is too small to see it."""
    if difference.separable:
        return None
    return Flag(
        FlagCode.TOO_FEW_MODELS,
        f"{name_a} and {name_b} are {difference.verdict(name_a, name_b)}.",
        {
            "difference": difference.difference,
            "p_value": difference.p_value,
            "n_models": difference.n_models,
            **_needed(difference),
        },
    )


def _needed(difference: PairedDifference) -> dict[str, int]:
    """Return the number of models that would do, where there is one."""
    if difference.models_needed is None:
        return {}
    return {"models_needed": difference.models_needed}
