"""The official metric in one call: epsilon of each example and F."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.metrics.official.epsilon import DELTA, epsilon
from harness.metrics.official.quality import forgetting_quality
from harness.models.outputs import Floats, ModelOutputs


class OfficialMetric(NamedTuple):
    """What the competition computed from confidences.

    `epsilon`, and whether it is 50 because it is `undetermined` or `peaky`, are of each
    example, ``[S]``; see `harness.metrics.official.epsilon.EpsilonResult`.
    """

    epsilon: Floats
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
