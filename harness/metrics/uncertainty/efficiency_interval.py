"""Confidence interval of the efficiency ratio: cost of unlearning over retraining."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import UsageError
from harness.metrics.uncertainty.interval import (
    LEVEL,
    Interval,
    Unavailable,
    student_reach,
)

_MEDIAN_FACTOR = math.pi / 2
"""Variance of a median over that of a mean, for bell-shaped noise."""


def efficiency_interval(
    costs: ArrayLike, retraining_costs: ArrayLike, *, level: float = LEVEL
) -> Interval | Unavailable:
    """Return an interval for the ratio of median costs, in seconds above 0.

    Welch's interval on logarithms, since a machine's noise multiplies: few
    retrainings are timed, often three, and a resampled median of three values knows
    nothing of its own noise.  Outliers widen it, never narrow it.

    Returns
    -------
    Interval or Unavailable
        `Unavailable` where either was timed less than twice.

    Raises
    ------
    UsageError
        Costs that are no positive numbers, or a bad level.

    References
    ----------
    Welch, "The generalization of Student's problem when several different population
    variances are involved" (1947).
    """
    logs = _logarithms(costs, "costs"), _logarithms(retraining_costs, "retraining")
    fewest = min(len(each) for each in logs)
    if fewest < 2:
        return Unavailable("needs two or more timed runs on either side")
    centre = float(np.median(logs[0]) - np.median(logs[1]))
    parts = [_MEDIAN_FACTOR * float(np.var(x, ddof=1)) / len(x) for x in logs]
    variance = sum(parts)
    spent = sum(v**2 / (len(x) - 1) for v, x in zip(parts, logs, strict=True))
    degrees = variance**2 / spent if spent > 0 else fewest - 1
    half = student_reach(degrees, level) * math.sqrt(variance)
    if half > 50:
        return Unavailable("the timings scatter too much to compare them")
    low, high = math.exp(centre - half), math.exp(centre + half)
    return Interval(low, high, level)


def _logarithms(costs: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return the logarithms of costs, checked."""
    array = np.asarray(costs)
    if array.ndim != 1 or array.size == 0 or array.dtype.kind not in "fiu":
        raise UsageError(
            f"The {name} are {array.dtype} of shape {array.shape}; give one number of "
            "seconds a run."
        )
    if not (np.isfinite(array) & (array > 0)).all():
        raise UsageError(
            f"The {name} run from {array.min()} to {array.max()} seconds; each must be "
            "above 0."
        )
    return np.log(array.astype(np.float64))
