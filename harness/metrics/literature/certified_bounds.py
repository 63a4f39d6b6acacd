"""Certified ε and µ as metrics: bounds by themselves, beside those of retraining."""

import numpy as np

from harness.metrics.attacks.certified import LEAST_MODELS, certified_epsilon
from harness.metrics.inputs.confidence import ConfidencePair, null_pair
from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.gaussian_dp import certified_mu
from harness.metrics.literature.metric_value import Direction, MetricValue, missing

NAMES = ("certified ε", "certified ε of the worst example", "certified GDP µ")


def certified_metrics(comparison: Comparison) -> tuple[MetricValue, ...]:
    """Return mean and worst certified ε and mean certified µ, without intervals."""
    pair, seed = comparison.pair, comparison.seed
    if reason := pair.lacks(LEAST_MODELS):
        return tuple(missing(name, Direction.LOWER, reason) for name in NAMES)
    rng = np.random.default_rng([seed, 5])
    null = null_pair(pair.retrained, comparison.held_out_confidence, rng)
    rows = zip(NAMES, _bounds(pair, seed), _bounds(null, seed), strict=True)
    return tuple(
        MetricValue(
            name, value, None, None, Direction.LOWER, at_best, null_models=null.fewest
        )
        for name, value, at_best in rows
    )


def _bounds(pair: ConfidencePair, seed: int) -> tuple[float, float, float]:
    certified = certified_epsilon(*pair, seed=seed)
    return certified.mean, certified.worst, float(certified_mu(*pair, seed=seed).mean())
