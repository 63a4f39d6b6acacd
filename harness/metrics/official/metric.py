"""The official metric in one call: epsilon of each example and F."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.metrics.official.epsilon import DELTA, epsilon
from harness.metrics.official.quality import forgetting_quality
from harness.models.outputs import ModelOutputs


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
    """

    epsilon: NDArray[np.float64]
    undetermined: NDArray[np.bool_]
    peaky: NDArray[np.bool_]
    forgetting_quality: float


def official_metric(
    unlearned: ModelOutputs, retrained: ModelOutputs, *, delta: float = DELTA
) -> OfficialMetric:
    """Return epsilon of every example and F, whose range the N unlearned models set.

    Raises
    ------
    UsageError
        Outputs that do not fit together, or a bad delta; see `epsilon`.
    """
    found = epsilon(
        unlearned.forget_confidence, retrained.forget_confidence, delta=delta
    )
    return OfficialMetric(*found, forgetting_quality(found.epsilon, len(unlearned)))
