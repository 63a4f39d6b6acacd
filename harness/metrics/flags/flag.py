"""A flag: something about a result that a reader must know, without changing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class FlagCode(StrEnum):
    """What can be flagged (a closed list)."""

    ATTACK_GAP = "attack-gap"
    OUTLIER_RUNS = "outlier-runs"
    MIXED_RUNS = "mixed-runs"
    CLUSTERED_RUNS = "clustered-runs"
    CALIBRATION_NOISE = "calibration-noise"
    REMOVABLE_NOISE = "removable-noise"
    IDENTICAL_WEIGHTS = "identical-weights"
    UNMOVED_WEIGHTS = "unmoved-weights"
    WAITING_RUNS = "waiting-runs"
    ABOVE_CEILING = "above-ceiling"
    UTILITY_ABOVE_ONE = "utility-above-one"


@dataclass(frozen=True)
class Flag:
    """One flag.

    Attributes
    ----------
    code : FlagCode
    message : str
        One sentence with the figures in it.
    evidence : mapping from str to number
        The figures, for JSON.
    """

    code: FlagCode
    message: str
    evidence: Mapping[str, float | int]
