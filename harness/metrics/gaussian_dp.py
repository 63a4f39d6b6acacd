"""Gaussian differential privacy: µ, the distance of two normals as hard to tell apart."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from harness.metrics.certified import CertifiedEpsilon
from harness.metrics.confidence import ConfidencePair
from harness.metrics.half_sampling import Comparison, MetricKind, measure
from harness.metrics.membership import likelihood_scores, roc_auc
from harness.metrics.metric_value import Direction, MetricValue

MU = MetricKind("GDP µ", Direction.LOWER, -np.inf, np.inf)
"""Mean over the examples, in standard deviations."""


def gdp_mu(pair: ConfidencePair, rng: np.random.Generator) -> NDArray[np.float64]:
    """Estimate each example's µ from the AUC of its cross-fitted U-LiRA attack.

    A test between N(0, 1) and N(µ, 1) has ``AUC = Φ(µ / √2)``, so
    ``µ = √2 Φ⁻¹(AUC)``. Exact for normals of equal variance; otherwise an average over
    thresholds. It may come out below 0, so that equal distributions get 0 on average;
    an AUC of 0 or 1 is taken half a pair away from it.

    Parameters
    ----------
    pair : ConfidencePair
        ``[N, S]`` and ``[M, S]`` confidences, N, M >= 4.
    rng : numpy.random.Generator
        Decides the halves of the cross-fit.

    Returns
    -------
    ndarray, shape [S]

    References
    ----------
    Dong, Roth and Su, "Gaussian differential privacy" (2022), equation 6.
    """
    folds = likelihood_scores(pair, rng)
    area = np.mean([roc_auc(*fold) for fold in folds], axis=0)
    margin = 0.5 / (len(folds[0].unlearned) * len(folds[0].retrained))
    return np.asarray(np.sqrt(2.0) * ndtri(np.clip(area, margin, 1.0 - margin)))


def certified_mu(certified: CertifiedEpsilon) -> NDArray[np.float64]:
    """Turn the certified error bounds of each example into a lower bound of µ.

    µ-GDP allows no attack with ``Φ⁻¹(1 - FPR) - Φ⁻¹(FNR) > µ``, so upper bounds of
    both rates give a lower bound of µ, with the same probability and caveats as
    `CertifiedEpsilon`.

    Returns
    -------
    ndarray, shape [S]
        At least 0.

    References
    ----------
    Nasr et al., "Tight auditing of differentially private machine learning" (2023),
    section 3; Dong, Roth and Su (2022), equation 6.
    """
    open_rate = np.clip(certified.false_positive_bound, 0.0, 1.0 - 1e-16)
    missed = np.clip(certified.false_negative_bound, 0.0, 1.0 - 1e-16)
    return np.asarray(np.maximum(-ndtri(open_rate) - ndtri(missed), 0.0))


def gdp_metrics(comparison: Comparison) -> tuple[MetricValue, ...]:
    """Return the mean µ over the examples, with its interval and null."""

    def mean_mu(pair: ConfidencePair) -> NDArray[np.float64]:
        rng = np.random.default_rng([comparison.seed, 4])
        return np.array([gdp_mu(pair, rng).mean()])

    return measure((MU,), mean_mu, comparison)
