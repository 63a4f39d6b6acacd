"""ToW, the tug of war: closeness to retraining on all three sets at once."""

import numpy as np
from numpy.typing import NDArray

from harness.metrics.literature.accuracy_gaps import (
    ALPHA,
    gap_intervals,
    null_gaps,
    why_no_gaps,
)
from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.metric_value import Direction, MetricValue, missing

NAME = "ToW"


def tug_of_war(gaps: NDArray[np.float64]) -> float:
    """Return ``Π (1 - |gap|)`` over the forget, retain and test accuracy gaps, 0 to 1.

    References
    ----------
    Zhao et al., "What makes unlearning hard and what to do about it" (2024),
    equation 2.
    """
    return float(np.prod(1.0 - np.abs(gaps)))


def tow_metrics(comparison: Comparison) -> tuple[MetricValue, ...]:
    """Return ToW with its interval and its null.

    The interval multiplies the ends of three Welch intervals for the gaps, each at
    5 % / 3, so it covers in at least 95 % (Bonferroni) and is wider than need be.
    """
    if reason := why_no_gaps(comparison):
        return (missing(NAME, Direction.HIGHER, reason),)
    intervals = gap_intervals(comparison.unlearned, comparison.retrained, ALPHA / 3)
    gap, low, high = intervals.T
    farthest = np.minimum(np.maximum(np.abs(low), np.abs(high)), 1.0)
    nearest = np.where(low * high > 0.0, np.minimum(np.abs(low), np.abs(high)), 0.0)
    return (
        MetricValue(
            NAME,
            tug_of_war(gap),
            tug_of_war(farthest),
            tug_of_war(nearest),
            Direction.HIGHER,
            tug_of_war(np.array(null_gaps(comparison))),
            null_models=len(comparison.retrained) // 2,
        ),
    )
