"""KLOM: the KL divergence of margins between unlearned and retrained models."""

import numpy as np

from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.half_sampling import MetricKind, measure
from harness.metrics.literature.metric_value import Direction, MetricValue
from harness.models.outputs import Floats

BINS = 20
"""Bins of equal width over the joint range of an example's margins."""

CLIP = 100.0
"""Margins are clipped to plus or minus this much, in logits."""

LEAST_PROBABILITY = 1e-5
"""Stands in for an empty bin of the retrained models."""

KINDS = (
    MetricKind("KLOM mean", Direction.LOWER, 0.0, -np.log(LEAST_PROBABILITY)),
    MetricKind("KLOM P95", Direction.LOWER, 0.0, -np.log(LEAST_PROBABILITY)),
)
"""Mean and 95th percentile over the examples."""


def klom(pair: ConfidencePair) -> Floats:
    """Return ``KL(unlearned || retrained)`` of each example's binned margins, in nats.

    The margin of an example is ``logit_y - logsumexp(other logits)``, which is its
    logit-scaled confidence. All margins are clipped to ±100 and counted in 20 equal
    bins over their joint range; a bin that no retrained model fell in counts as
    probability 1e-5. Equal distributions do not get 0: with N models and 20 bins the
    divergence is about ``(bins in use - 1) / N`` and more, so read it beside its null.
    The last bin includes its upper end; in EasyDUB's code the largest margin of all
    falls outside.

    References
    ----------
    Georgiev et al., "Attribute-to-Delete: machine unlearning via datamodel matching"
    (2024), appendix E.1; constants of "Easy Data Unlearning Bench" (2026).
    """
    unlearned = np.clip(pair.unlearned, -CLIP, CLIP)
    retrained = np.clip(pair.retrained, -CLIP, CLIP)
    low = np.minimum(unlearned.min(axis=0), retrained.min(axis=0))
    width = np.maximum(unlearned.max(axis=0), retrained.max(axis=0)) - low
    # One bin takes all when nothing varies.
    width[width == 0.0] = 1.0
    own = _shares(unlearned, low, width)
    other = np.maximum(_shares(retrained, low, width), LEAST_PROBABILITY)
    ratio = np.log(np.where(own > 0.0, own, 1.0)) - np.log(other)
    # The floor lifts the retrained shares above a sum of 1 by up to 2e-4.
    return np.asarray(np.maximum((own * ratio).sum(axis=1), 0.0))


def klom_metrics(comparison: Comparison) -> tuple[MetricValue, ...]:
    """Return mean and P95 of KLOM over the examples, with intervals and nulls."""
    return measure(KINDS, _mean_and_p95, comparison)


def _mean_and_p95(pair: ConfidencePair) -> Floats:
    values = klom(pair)
    return np.array([values.mean(), np.percentile(values, 95)])


def _shares(margins: Floats, low: Floats, width: Floats) -> Floats:
    """Return the share of models in each bin, ``[S, BINS]``."""
    models, examples = margins.shape
    bins = ((margins - low) / width * BINS).astype(np.intp)
    index = np.minimum(bins, BINS - 1) + BINS * np.arange(examples)
    counts = np.bincount(index.ravel(), minlength=BINS * examples)
    return np.asarray(counts.reshape(examples, BINS) / models)
