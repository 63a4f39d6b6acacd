"""Certified ε and µ as metrics, beside those of retraining.

"certified ε" and "certified GDP µ" are means of what is proven of each example by
itself, and no bounds of the mean; "certified mean ε" is one, and "certified ε of the
worst example" one of the largest ε.
"""

import numpy as np

from harness.metrics.attacks.bounded_errors import ALPHA
from harness.metrics.attacks.certified import (
    LEAST_MODELS,
    certified_epsilon,
    certified_mean_epsilon,
)
from harness.metrics.inputs.confidence import ConfidencePair, null_pair
from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.gaussian_dp import certified_mu
from harness.metrics.literature.metric_value import Direction, MetricValue, missing

NAMES = (
    "certified ε",
    "certified mean ε",
    "certified ε of the worst example",
    "certified GDP µ",
)
#: Those that are means of bounds of single examples, and no bounds themselves.
SUMMARIES = (NAMES[0], NAMES[3])


def certified_metrics(comparison: Comparison) -> tuple[MetricValue, ...]:
    """Return what is certified of ε and µ, without intervals.

    Of K originals each bound may fail with a K-th of the probability, so that the mean
    of the K bounds holds, too.
    """
    pair, seed = comparison.pair, comparison.seed
    if reason := pair.lacks(LEAST_MODELS):
        return tuple(missing(name, Direction.LOWER, reason) for name in NAMES)
    rng = np.random.default_rng([seed, 5])
    null = null_pair(pair.retrained, comparison.held_out_confidence, rng)
    alpha = ALPHA / comparison.n_originals
    ours, theirs = (_bounds(each, seed, alpha) for each in (pair, null))
    rows = zip(NAMES, ours, theirs, strict=True)
    return tuple(
        MetricValue(
            name, value, None, None, Direction.LOWER, at_best, null_models=null.fewest
        )
        for name, value, at_best in rows
    )


def _bounds(
    pair: ConfidencePair, seed: int, alpha: float
) -> tuple[float, float, float, float]:
    certified = certified_epsilon(*pair, seed=seed, alpha=alpha)
    mean = certified_mean_epsilon(*pair, seed=seed, alpha=alpha)
    mu = float(certified_mu(*pair, seed=seed, alpha=alpha).mean())
    return certified.mean, mean, certified.worst, mu
