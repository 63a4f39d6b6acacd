"""The cost of a run, the cap, and when a submission is over it."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.runner.messages import Usage

_RESAMPLES = 2000
#: A run is killed at this many times its budget, and never before `_GRACE_SECONDS`.
_KILL_FACTOR, _GRACE_SECONDS = 10.0, 30.0


def cost_seconds(usage: Usage, device: str) -> float:
    """Cost of a run: CPU seconds of the process tree, or wall seconds on a GPU."""
    return usage.cpu_seconds if device == "cpu" else usage.wall_seconds


def kill_seconds(budget_seconds: float) -> float:
    """Wall seconds after which a run is killed, well past its budget."""
    return max(_GRACE_SECONDS, _KILL_FACTOR * budget_seconds)


@dataclass(frozen=True)
class EfficiencyRatio:
    """Median cost of a submission over the median cost of one retraining.

    Attributes
    ----------
    ratio, low, high : float
        The ratio and its 95 % interval.
    cap : float
        The largest ratio allowed.
    cost_seconds, retraining_seconds : float
        The two medians.
    """

    ratio: float
    low: float
    high: float
    cap: float
    cost_seconds: float
    retraining_seconds: float

    @property
    def over_cap(self) -> bool:
        """Whether even the lower end of the interval is over the cap."""
        return self.low > self.cap


def efficiency_ratio(
    costs: Sequence[float], retraining: Sequence[float], cap: float, *, seed: int = 0
) -> EfficiencyRatio:
    """Estimate the efficiency ratio.

    The interval is a percentile bootstrap of both medians, widened to the ratio of
    the extremes where one side has fewer than six values: there the resampled median
    of so few says little.

    Parameters
    ----------
    costs : sequence of float
        Cost of each run, in seconds; at least one.
    retraining : sequence of float
        Cost of each retraining through the same runner; at least one.
    cap : float
        The largest ratio allowed.
    seed : int
        Of the resampling.
    """
    generator = np.random.default_rng(seed)
    cost, base = statistics.median(costs), statistics.median(retraining)
    tops = _medians(np.asarray(costs), generator)
    bottoms = _medians(np.asarray(retraining), generator)
    low, high = np.quantile(tops / bottoms, [0.025, 0.975])
    return EfficiencyRatio(cost / base, float(low), float(high), cap, cost, base)


def _medians(values: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    if len(values) < 6:
        return generator.uniform(values.min(), values.max(), _RESAMPLES)
    picks = generator.integers(len(values), size=(_RESAMPLES, len(values)))
    medians: np.ndarray = np.median(values[picks], axis=1)
    return medians
