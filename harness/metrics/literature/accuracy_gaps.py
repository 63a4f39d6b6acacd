"""How far accuracies on forget, retain and test set lie from those of retraining.

ToW, the tug of war, is closeness on all three sets at once.
"""

import numpy as np
from scipy.special import stdtrit

from harness.metrics.inputs.confidence import halve_models
from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.metric_value import Direction, MetricValue, missing
from harness.models.outputs import Floats, ModelOutputs

SETS = ("forget", "retain", "test")
NAMES = tuple(f"{of} accuracy gap" for of in SETS)
TOW = "ToW"
_NEEDED = "needs the accuracies of every model on forget, retain and test set"
ALPHA = 0.05
"""Probability with which the interval of a gap may miss."""


def gap_intervals(
    unlearned: ModelOutputs, retrained: ModelOutputs, alpha: float
) -> Floats:
    """Return gaps of the mean accuracies with Welch intervals, ``[3, 3]``.

    Rows are forget, retain and test; columns are the gap (unlearned minus retrained)
    and the ends of the interval, each of which may miss with probability `alpha`.

    References
    ----------
    Welch, "The generalization of 'Student's' problem" (1947).
    """
    ours, theirs = accuracy_table(unlearned), accuracy_table(retrained)
    gap = ours.mean(axis=0) - theirs.mean(axis=0)
    parts = [models.var(axis=0, ddof=1) / len(models) for models in (ours, theirs)]
    variance = parts[0] + parts[1]
    shares = parts[0] ** 2 / (len(ours) - 1) + parts[1] ** 2 / (len(theirs) - 1)
    # Without any variance the degrees of freedom do not matter, only that they exist.
    freedom = np.divide(variance**2, shares, out=np.ones(3), where=shares > 0.0)
    width = stdtrit(freedom, 1.0 - alpha / 2) * np.sqrt(variance)
    return np.stack([gap, gap - width, gap + width], axis=1)


def gap_metrics(comparison: Comparison) -> tuple[MetricValue, ...]:
    """Return the accuracy gaps on forget, retain and test set.

    A gap is mean accuracy unlearned minus retrained, so 0 is ideal on all three: a
    forget accuracy *below* that of retraining gives the forgotten examples away, too.
    The null compares two random halves of the retrained models.
    """
    if not _has_gaps(comparison):
        return tuple(missing(name, Direction.NULL, _NEEDED) for name in NAMES)
    rows = gap_intervals(comparison.unlearned, comparison.retrained, ALPHA).tolist()
    nulls, null_models = _null_gaps(comparison), len(comparison.retrained) // 2
    return tuple(
        MetricValue(name, gap, low, high, Direction.NULL, null, null_models=null_models)
        for name, (gap, low, high), null in zip(NAMES, rows, nulls, strict=True)
    )


def _has_gaps(comparison: Comparison) -> bool:
    return comparison.unlearned.has_accuracies and comparison.retrained.has_accuracies


def _null_gaps(comparison: Comparison) -> list[float]:
    """Return the gaps between two random halves of the retrained models, ``[3]``."""
    rng = np.random.default_rng(comparison.seed)
    first, second = halve_models(accuracy_table(comparison.retrained), rng)
    return [float(gap) for gap in first.mean(axis=0) - second.mean(axis=0)]


def accuracy_table(models: ModelOutputs) -> Floats:
    """Lay the accuracies out in the order of `SETS`, ``[N, 3]``."""
    return np.stack([models.accuracy(of) for of in SETS], axis=1)


def tug_of_war(gaps: Floats) -> float:
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
    if not _has_gaps(comparison):
        return (missing(TOW, Direction.HIGHER, _NEEDED),)
    intervals = gap_intervals(comparison.unlearned, comparison.retrained, ALPHA / 3)
    gap, low, high = intervals.T
    farthest = np.minimum(np.maximum(np.abs(low), np.abs(high)), 1.0)
    nearest = np.where(low * high > 0.0, np.minimum(np.abs(low), np.abs(high)), 0.0)
    value, least, most = (tug_of_war(gaps) for gaps in (gap, farthest, nearest))
    null = tug_of_war(np.array(_null_gaps(comparison)))
    size = len(comparison.retrained) // 2
    return (
        MetricValue(TOW, value, least, most, Direction.HIGHER, null, null_models=size),
    )
