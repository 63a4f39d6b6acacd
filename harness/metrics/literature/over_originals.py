"""A metric of the literature in the mean over original models."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.metrics.literature.metric_value import MetricValue
from harness.metrics.uncertainty.interval import student_reach


def mean_metric(values: Sequence[MetricValue]) -> MetricValue:
    """Return the mean over K >= 2 originals of one metric, with Student's interval.

    Each value was measured on runs of its own, so that they scatter as the originals
    and the runs do. What lacks a value on one original lacks one altogether.
    """
    for each in values:
        if each.value is None:
            return each
    numbers = np.array([each.value for each in values], dtype=np.float64)
    mean = float(numbers.mean())
    if values[0].low is None or values[0].high is None:
        return replace(values[0], value=mean)
    half = student_reach(len(numbers) - 1) * float(numbers.std(ddof=1))
    half /= float(np.sqrt(len(numbers)))
    return replace(values[0], value=mean, low=mean - half, high=mean + half)
