"""The efficiency ratio, and when a submission is over the cap."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from harness.metrics.uncertainty.efficiency_interval import efficiency_interval
from harness.metrics.uncertainty.interval import Unavailable


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
