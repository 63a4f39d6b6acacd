"""A metric of the literature in the mean over original models."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harness.metrics.literature.half_sampling import RESAMPLES
from harness.metrics.literature.metric_value import MetricValue
from harness.metrics.uncertainty.interval import student_reach
from harness.metrics.uncertainty.originals import welch_degrees
from harness.models.outputs import Floats

_RANGE_ENDS = (0.0, 0.5, 1.0)
"""Where intervals of bounded metrics are cut."""


def mean_metric(values: Sequence[MetricValue]) -> MetricValue:
    """Return the mean over K >= 2 originals of one metric, with its interval.

    The intervals of the K values cover fresh runs, retrained models and examples, of
    which the latter two are the same for all: the mean of their variances is no less
    than that of the mean. By how much the K values scatter more than that says what
    fresh originals add, with K - 1 degrees of freedom. What lacks a value on one
    original lacks one altogether. A mean of lower bounds has no interval.
    """
    for each in values:
        if each.value is None:
            return each
    numbers = _floats([each.value for each in values])
    mean = float(numbers.mean())
    lows, highs = (
        _floats([getattr(each, end) for each in values]) for end in ("low", "high")
    )
    if np.isnan(lows).any() or np.isnan(highs).any():
        return replace(values[0], value=mean)
    seen = float(np.var(numbers, ddof=1))
    low = mean - _reach(numbers - lows, np.isin(lows, _RANGE_ENDS), seen)
    high = mean + _reach(highs - numbers, np.isin(highs, _RANGE_ENDS), seen)
    low = max([low, *(end for end in _RANGE_ENDS if end in lows and end <= mean)])
    high = min([high, *(end for end in _RANGE_ENDS if end in highs and end >= mean)])
    return replace(values[0], value=mean, low=low, high=high)


def _floats(values: Sequence[float | None]) -> Floats:
    return np.array(values, dtype=np.float64)


def _reach(reaches: Floats, cut: NDArray[np.bool_], seen: float) -> float:
    """Return how far an interval reaches to one end, where the K values' reach so far.

    What is cut at the end of a metric's range says too little of the noise.
    """
    within = RESAMPLES - 1.0
    known = reaches[~cut] if not cut.all() else reaches
    variance = float(np.mean(known**2)) / student_reach(within) ** 2
    excess = max(seen - variance, 0.0) / len(reaches)
    degrees = welch_degrees((variance, within), (excess, len(reaches) - 1.0))
    return student_reach(degrees) * float(np.sqrt(variance + excess))
