"""One number of a score card: what it is, how far to trust it, what is ideal."""

import math
from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Which way a metric improves (a closed list)."""

    LOWER = "lower is better"
    HIGHER = "higher is better"
    NULL = "nearest to the null is best"


@dataclass(frozen=True)
class MetricValue:
    """A metric with its interval and its null, or the reason why there is none.

    Attributes
    ----------
    name : str
        Short name, the same in terminal, JSON and reports.
    value : float or None
        The point estimate; None exactly when `reason_missing` is given.
    low, high : float or None
        Ends of the 95 % interval. None where the value is itself a one-sided bound.
    direction : Direction
        Which way is better.
    null : float or None
        What retraining itself gets: the same metric, retrained models against other
        retrained models. None where there are too few of them.
    reason_missing : str or None
        One sentence, "needs N >= ...", when the metric cannot be computed.
    null_models : int or None
        Models on the smaller side of the null. Fewer than N where the retrained side
        had to be split for want of further retrained models: a metric that shrinks
        with N (KLOM, Kolmogorov–Smirnov) then lies below its null too easily.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    direction: Direction
    null: float | None
    reason_missing: str | None = None
    null_models: int | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason_missing is None):
            raise ValueError(f"{self.name}: give a value or the reason for none")
        if (self.null is None) != (self.null_models is None):
            raise ValueError(f"{self.name}: give a null with its number of models")
        for number in (self.value, self.low, self.high, self.null):
            if number is not None and not math.isfinite(number):
                raise ValueError(f"{self.name}: {number} is not a finite number")


def missing(name: str, direction: Direction, reason: str) -> MetricValue:
    """Return a metric that could not be computed, with the one-sentence reason."""
    return MetricValue(name, None, None, None, direction, None, reason)
