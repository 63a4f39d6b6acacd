"""Gaussian differential privacy: µ, the shift of a normal that is as hard to see."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from harness.metrics.attacks.bounded_errors import ALPHA, prove_loss
from harness.metrics.inputs.confidence import ConfidencePair, confidence_pair
from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.half_sampling import MetricKind, measure
from harness.metrics.literature.metric_value import Direction, MetricValue
from harness.metrics.literature.ulira import likelihood_scores, roc_auc
from harness.models.outputs import Floats

MU = MetricKind("GDP µ", Direction.LOWER, -np.inf, np.inf)
"""Mean over the examples, in standard deviations."""

_NEARLY_ONE = 1.0 - 1e-16


def gdp_mu(pair: ConfidencePair, rng: np.random.Generator) -> Floats:
    """Estimate each example's µ from the AUC of its cross-fitted U-LiRA attack.

    A test between N(0, 1) and N(µ, 1) has ``AUC = Φ(µ / √2)``, so
    ``µ = √2 Φ⁻¹(AUC)``. Exact for normals of equal variance; otherwise an average over
    thresholds. It may come out below 0, so that equal distributions get 0 on average;
    an AUC of 0 or 1 is taken half a pair away from it. Needs N, M >= 4.

    References
    ----------
    Dong, Roth and Su, "Gaussian differential privacy" (2022), equation 6.
    """
    folds = likelihood_scores(pair, rng)
    area = np.mean([roc_auc(*fold) for fold in folds], axis=0)
    margin = 0.5 / (len(folds[0].unlearned) * len(folds[0].retrained))
    return np.asarray(np.sqrt(2.0) * ndtri(np.clip(area, margin, 1.0 - margin)))


def certified_mu(
    unlearned: ArrayLike, retrained: ArrayLike, *, seed: int, alpha: float = ALPHA
) -> Floats:
    """Bound every example's µ from below, ``[S]``, at least 0.

    µ-GDP allows no attack with ``Φ⁻¹(1 - FPR) - Φ⁻¹(FNR) > µ``. As for the certified
    ε, a third of the models chooses the attack that promises the largest µ, the others
    bound its error rates, and the bound holds with probability ``1 - alpha`` for each
    example by itself.

    References
    ----------
    Nasr et al., "Tight auditing of differentially private machine learning" (2023),
    section 3; Dong, Roth and Su (2022), equation 6.
    """
    pair = confidence_pair(unlearned, retrained)
    rng = np.random.default_rng(seed)
    proven, _ = prove_loss(pair, _mu_from_errors, alpha, rng)
    return np.maximum(proven, 0.0)


def _mu_from_errors(false_positive: Floats, false_negative: Floats) -> Floats:
    """Return the µ that two error rates prove, very small where one of them is 1."""
    return np.asarray(
        -ndtri(np.minimum(false_positive, _NEARLY_ONE))
        - ndtri(np.minimum(false_negative, _NEARLY_ONE))
    )


def gdp_metrics(comparison: Comparison) -> tuple[MetricValue, ...]:
    """Return the mean µ over the examples, with its interval and null."""

    def mean_mu(pair: ConfidencePair) -> Floats:
        rng = np.random.default_rng([comparison.seed, 4])
        return np.array([gdp_mu(pair, rng).mean()])

    return measure((MU,), mean_mu, comparison)
