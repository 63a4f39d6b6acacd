"""How far accuracies on forget, retain and test set lie from those of retraining."""

import numpy as np
from scipy.special import stdtrit

from harness.metrics.inputs.model_halves import halve_models
from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.metric_value import Direction, MetricValue, missing
from harness.models.outputs import Floats, ModelOutputs

SETS = ("forget", "retain", "test")
NAMES = tuple(f"{of} accuracy gap" for of in SETS)
ALPHA = 0.05
"""Probability with which the interval of a gap may miss."""


def gap_intervals(
    unlearned: ModelOutputs, retrained: ModelOutputs, alpha: float
) -> Floats:
    """Return gaps of the mean accuracies with Welch intervals.

    Parameters
    ----------
    unlearned, retrained : ModelOutputs
        Of N and M >= 2 models, with accuracies.
    alpha : float
        Probability with which each interval may miss.

    Returns
    -------
    ndarray, shape [3, 3]
        Rows forget, retain, test; columns gap (unlearned minus retrained), low, high.

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
    if reason := why_no_gaps(comparison):
        return tuple(missing(name, Direction.NULL, reason) for name in NAMES)
    rows = gap_intervals(comparison.unlearned, comparison.retrained, ALPHA)
    return tuple(
        MetricValue(
            name,
            float(row[0]),
            float(row[1]),
            float(row[2]),
            Direction.NULL,
            null,
            null_models=len(comparison.retrained) // 2,
        )
        for name, row, null in zip(NAMES, rows, null_gaps(comparison), strict=True)
    )


def why_no_gaps(comparison: Comparison) -> str:
    """Say what the gaps of a comparison would need; empty if they can be had."""
    both = comparison.unlearned, comparison.retrained
    if not all(models.has_accuracies for models in both):
        return "needs the accuracies of every model on forget, retain and test set"
    return ""


def null_gaps(comparison: Comparison) -> list[float]:
    """Return the gaps between two random halves of the retrained models, ``[3]``."""
    rng = np.random.default_rng(comparison.seed)
    first, second = halve_models(accuracy_table(comparison.retrained), rng)
    return [float(gap) for gap in first.mean(axis=0) - second.mean(axis=0)]


def accuracy_table(models: ModelOutputs) -> Floats:
    """Lay the accuracies out in the order of `SETS`, ``[N, 3]``."""
    return np.stack([models.accuracy(of) for of in SETS], axis=1)
