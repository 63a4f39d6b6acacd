"""U-LiRA: how well a likelihood ratio tells unlearned from retrained models."""

from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from harness.metrics.attacks.families import fit_gaussians
from harness.metrics.inputs.confidence import ConfidencePair, split_pair
from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.half_sampling import MetricKind, measure
from harness.metrics.literature.metric_value import Direction, MetricValue, missing
from harness.models.outputs import Floats

KINDS = (
    MetricKind("U-LiRA AUC", Direction.LOWER, 0.0, 1.0),
    MetricKind("U-LiRA AUC pooled", Direction.LOWER, 0.0, 1.0),
    MetricKind("U-LiRA TPR at 1 % FPR pooled", Direction.LOWER, 0.0, 1.0),
    MetricKind("U-LiRA TPR at 0.1 % FPR pooled", Direction.LOWER, 0.0, 1.0),
    MetricKind("U-LiRA TPR at 1 % FPR", Direction.LOWER, 0.0, 1.0),
    MetricKind("U-LiRA TPR at 0.1 % FPR", Direction.LOWER, 0.0, 1.0),
)
"""Those without "pooled" are means over the examples' own ROC curves."""

_RATES = {2: (0.01, True), 3: (0.001, True), 4: (0.01, False), 5: (0.001, False)}
"""The false positive rate of a kind, and whether it is pooled."""


class ScoredFold(NamedTuple):
    """Log likelihood ratios ``[n, S]``, ``[m, S]`` of models outside of the fit."""

    unlearned: Floats
    retrained: Floats


def likelihood_scores(
    pair: ConfidencePair, rng: np.random.Generator
) -> tuple[ScoredFold, ScoredFold]:
    """Score every model by a Gaussian likelihood ratio fitted on the other half.

    For each example a normal distribution is fitted to the unlearned and one to the
    retrained confidences of one random half of the models; the other half is scored
    ``log p(conf | unlearned) - log p(conf | retrained)``; then the halves change
    places. Scores are compared within a fold only, so equal distributions get an AUC
    of 0.5 on average, which leave-one-out fitting does not give. Confidences are
    logit-scaled, never 0/1 correctness. Needs N, M >= 4.

    References
    ----------
    Hayes et al., "Inexact unlearning needs more careful evaluations to avoid a false
    sense of privacy" (2024), algorithm 1; Carlini et al., "Membership inference
    attacks from first principles" (2022).
    """
    first, second = split_pair(pair, rng)
    return _score(first, second), _score(second, first)


def _score(fitted: ConfidencePair, other: ConfidencePair) -> ScoredFold:
    fit = fit_gaussians(fitted)
    return ScoredFold(fit.log_ratio(other.unlearned), fit.log_ratio(other.retrained))


def roc_auc(positive: Floats, negative: Floats) -> Floats:
    """Return the area under each column's ROC curve, ties counting one half, ``[S]``.

    References
    ----------
    Mann and Whitney (1947): ``AUC = (rank sum - n (n + 1) / 2) / (n m)``.
    """
    n, m = len(positive), len(negative)
    # One example a row, for sorting is fastest where values lie together.
    ranks = rankdata(np.concatenate([positive.T, negative.T], axis=1), axis=1)
    rank_sum = ranks[:, :n].sum(axis=1)
    return np.asarray((rank_sum - n * (n + 1) / 2) / (n * m))


def tpr_at_fpr(positive: Floats, negative: Floats, fpr: float) -> Floats:
    """Return the largest true positive rate at a false positive rate up to `fpr`.

    With fewer than ``1 / fpr`` negatives none may be wrong.
    """
    allowed = int(fpr * len(negative) + 1e-9)
    place = len(negative) - 1 - allowed
    threshold = np.partition(negative, place, axis=0)[place]
    return np.asarray((positive > threshold).mean(axis=0))


def ulira_metrics(comparison: Comparison) -> tuple[MetricValue, ...]:
    """Return AUC and TPR at 1 % and 0.1 % FPR, per example and pooled.

    Per example means the mean of the S examples' own ROC curves; pooled means one
    curve over the scores of all examples and models. A rate f needs at least ``1 / f``
    retrained scores in one half, else the metric says how many models it needs.
    """
    values = measure(KINDS, lambda pair: _statistics(pair, comparison.seed), comparison)
    models, examples = comparison.pair.retrained.shape
    return tuple(
        _if_enough(value, index, models, examples) for index, value in enumerate(values)
    )


def _if_enough(
    value: MetricValue, index: int, models: int, examples: int
) -> MetricValue:
    """Replace a rate that too few retrained scores can resolve by the reason."""
    if value.value is None or index not in _RATES:
        return value
    rate, pooled = _RATES[index]
    needed = round(1 / rate)
    columns = examples if pooled else 1
    if models // 2 * columns >= needed:
        return value
    least = 2 * -(-needed // columns)
    reason = f"needs N ≥ {least} retrained models; there are {models}"
    return missing(value.name, value.direction, reason)


def _statistics(pair: ConfidencePair, seed: int) -> Floats:
    """Return the values of `KINDS`, averaged over the two folds."""
    folds = likelihood_scores(pair, np.random.default_rng([seed, 3]))
    return np.asarray(np.mean([_fold_statistics(fold) for fold in folds], axis=0))


def _fold_statistics(fold: ScoredFold) -> list[float]:
    pooled = ScoredFold(fold.unlearned.reshape(-1, 1), fold.retrained.reshape(-1, 1))
    rates = [
        tpr_at_fpr(*(pooled if together else fold), rate).mean()
        for rate, together in _RATES.values()
    ]
    return [float(roc_auc(*fold).mean()), float(roc_auc(*pooled)[0]), *rates]
