"""The official metric in one call: epsilon of each example and F."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.metrics.official.epsilon import DELTA, epsilon
from harness.metrics.official.quality import forgetting_quality


@dataclass(frozen=True)
class OfficialMetric:
    """What the competition computed from confidences.

    Attributes
    ----------
    epsilon : ndarray of float64, shape [S]
    undetermined, peaky : ndarray of bool, shape [S]
        Why an epsilon is 50; see `harness.metrics.official.epsilon.EpsilonResult`.
    forgetting_quality : float
        F, 0 to 1, higher is better.
    n_models : int
        Number N of unlearned models, which sets the range of F.
    """

    epsilon: NDArray[np.float64]
    undetermined: NDArray[np.bool_]
    peaky: NDArray[np.bool_]
    forgetting_quality: float
    n_models: int


def official_metric(
    unlearned: ArrayLike, retrained: ArrayLike, *, delta: float = DELTA
) -> OfficialMetric:
    """Return epsilon of every example and F.

    Parameters
    ----------
    unlearned : array_like, shape [N, S]
        Logit-scaled confidences of N unlearned models on the forget set.
    retrained : array_like, shape [M, S]
        The same of M retrained models.  F's range is set by N.
    delta : float, default 1e-5
        The delta of (epsilon, delta)-unlearning.

    Raises
    ------
    UsageError
        Bad arrays or a bad delta; see `harness.metrics.official.epsilon.epsilon`.
    """
    result = epsilon(unlearned, retrained, delta=delta)
    n_models = len(np.asarray(unlearned))
    return OfficialMetric(
        *result, forgetting_quality(result.epsilon, n_models), n_models
    )
