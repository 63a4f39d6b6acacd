"""The efficiency ratio, its interval, and when a submission is over the cap."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import UsageError
from harness.metrics.uncertainty.interval import Interval, Unavailable, student_reach
from harness.models.outputs import Floats

_MEDIAN_FACTOR = math.pi / 2
"""Variance of a median over that of a mean, for bell-shaped noise."""


@dataclass(frozen=True)
class EfficiencyRatio:
    """Median cost of a submission over the median cost of one retraining.

    Attributes
    ----------
    ratio : float
        Lower is better.
    low, high : float or None
        Its 95 % interval; None where a side was timed less than twice.
    cap : float
        The largest ratio allowed.
    cost_seconds, retraining_seconds : float
        The two medians.
    """

    ratio: float
    low: float | None
    high: float | None
    cap: float
    cost_seconds: float
    retraining_seconds: float

    @property
    def over_cap(self) -> bool:
        """Whether even the lower end of the interval is over the cap."""
        return self.surely_over(self.cap)

    def surely_over(self, limit: float) -> bool:
        """Whether even the lower end of the interval is over a limit."""
        return (self.ratio if self.low is None else self.low) > limit


def efficiency_ratio(
    costs: Sequence[float], retraining: Sequence[float], cap: float
) -> EfficiencyRatio:
    """Compare the seconds of each run with those of each retraining."""
    cost, base = statistics.median(costs), statistics.median(retraining)
    interval = efficiency_interval(costs, retraining)
    low = high = None
    if not isinstance(interval, Unavailable):
        low, high = interval.low, interval.high
    return EfficiencyRatio(cost / base, low, high, cap, cost, base)


class Timings(NamedTuple):
    """Seconds of the runs and of the retrainings that one machine made."""

    costs: Sequence[float]
    retraining: Sequence[float]


def efficiency_over_machines(
    machines: Sequence[Timings], cap: float
) -> EfficiencyRatio:
    """Hold each run against the retrainings of its own machine; the median counts."""
    if len(machines) == 1:
        return efficiency_ratio(*machines[0], cap)
    bases = [statistics.median(one.retraining) for one in machines]
    pairs = list(zip(machines, bases, strict=True))
    ratios = [cost / base for one, base in pairs for cost in one.costs]
    spread = [seconds / base for one, base in pairs for seconds in one.retraining]
    ratio = statistics.median(ratios)
    base = statistics.median(s for one in machines for s in one.retraining)
    cost = statistics.median(s for one in machines for s in one.costs)
    low = high = None
    interval = efficiency_interval(ratios, spread, n_machines=len(machines))
    if not isinstance(interval, Unavailable):
        low, high = interval.low, interval.high
    return EfficiencyRatio(ratio, low, high, cap, cost, base)


def efficiency_interval(
    costs: ArrayLike, retraining_costs: ArrayLike, *, n_machines: int = 1
) -> Interval | Unavailable:
    """Return an interval for the ratio of median costs, in seconds above 0.

    Welch's interval on logarithms, since a machine's noise multiplies: few
    retrainings are timed, often three, and a resampled median of three values knows
    nothing of its own noise.  Outliers widen it, never narrow it. Retrainings of
    several machines are each over their own median, which takes a degree of freedom.

    References
    ----------
    Welch, "The generalization of Student's problem when several different population
    variances are involved" (1947).
    """
    logs = _logarithms(costs, "costs"), _logarithms(retraining_costs, "retraining")
    fewest = min(len(each) for each in logs)
    if fewest < 2 or len(logs[1]) <= n_machines:
        return Unavailable("needs two or more timed runs on either side")
    centre = float(np.median(logs[0]) - np.median(logs[1]))
    lost = (1, n_machines)
    parts = [
        _MEDIAN_FACTOR * float(np.var(x, ddof=d)) / len(x)
        for x, d in zip(logs, lost, strict=True)
    ]
    variance = sum(parts)
    spent = sum(v**2 / (len(x) - d) for v, x, d in zip(parts, logs, lost, strict=True))
    degrees = variance**2 / spent if spent > 0 else fewest - 1
    half = student_reach(degrees) * math.sqrt(variance)
    if half > 50:
        return Unavailable("the timings scatter too much to compare them")
    return Interval(math.exp(centre - half), math.exp(centre + half))


def _logarithms(costs: ArrayLike, name: str) -> Floats:
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
