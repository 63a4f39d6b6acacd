"""The Kolmogorov–Smirnov distance between unlearned and retrained confidences."""

import numpy as np

from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.half_sampling import MetricKind, measure
from harness.metrics.literature.metric_value import Direction, MetricValue
from harness.models.outputs import Floats

KS = MetricKind("Kolmogorov–Smirnov", Direction.LOWER, 0.0, 1.0)
"""Mean over the examples of the two-sample distance."""


def kolmogorov_smirnov(pair: ConfidencePair) -> Floats:
    """Return the largest distance of the two empirical distribution functions, ``[S]``.

    ``max_x |F_unlearned(x) - F_retrained(x)|`` for each example: the advantage
    ``TPR - FPR`` of the best single threshold on the same models. Not 0 for equal
    distributions but about ``0.87 sqrt(1/N + 1/M)``, which its null shows.

    References
    ----------
    Smirnov, "Table for estimating the goodness of fit of empirical distributions"
    (1948); the two-sample statistic of `scipy.stats.ks_2samp`.
    """
    values = np.concatenate(pair)
    steps = np.full(len(values), -1.0 / len(pair.retrained))
    steps[: len(pair.unlearned)] = 1.0 / len(pair.unlearned)
    order = values.argsort(axis=0)
    values = np.take_along_axis(values, order, axis=0)
    gap = np.abs(steps[order].cumsum(axis=0))
    # Between equal values the functions have not yet taken all their steps.
    gap[:-1][values[:-1] == values[1:]] = 0.0
    return np.asarray(np.minimum(gap.max(axis=0), 1.0))


def ks_metrics(comparison: Comparison) -> tuple[MetricValue, ...]:
    """Return the mean Kolmogorov–Smirnov distance, its interval and its null."""

    def mean(pair: ConfidencePair) -> Floats:
        return np.array([kolmogorov_smirnov(pair).mean()])

    return measure((KS,), mean, comparison)
