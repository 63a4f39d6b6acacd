"""The pair of confidence arrays that kernels work on."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import UsageError
from harness.models.outputs import (
    Floats,
    ModelOutputs,
    confidence_matrix,
)


class ConfidencePair(NamedTuple):
    """Checked confidences of unlearned ``[N, S]`` and retrained ``[M, S]`` models."""

    unlearned: Floats
    retrained: Floats

    @property
    def fewest(self) -> int:
        """The smaller of N and M, which decides what can be computed."""
        return min(len(self.unlearned), len(self.retrained))

    def examples(self, chosen: NDArray[np.intp]) -> "ConfidencePair":
        """Keep some of the examples."""
        return ConfidencePair(self.unlearned[:, chosen], self.retrained[:, chosen])


def forget_pair(unlearned: ModelOutputs, retrained: ModelOutputs) -> ConfidencePair:
    """Pair the forget confidences of two groups of models; see `confidence_pair`."""
    return confidence_pair(unlearned.forget_confidence, retrained.forget_confidence)


def confidence_pair(unlearned: ArrayLike, retrained: ArrayLike) -> ConfidencePair:
    """Check two confidence arrays and return them as float64.

    Parameters
    ----------
    unlearned, retrained : array_like, shapes [N, S] and [M, S]
        Of two or more models each, on the same S >= 1 examples.

    Raises
    ------
    UsageError
        See `harness.models.outputs.confidence_matrix`; also for different S.
    """
    pair = ConfidencePair(
        confidence_matrix(unlearned, "unlearned", 2),
        confidence_matrix(retrained, "retrained", 2),
    )
    left, right = pair.unlearned.shape[1], pair.retrained.shape[1]
    if left != right:
        raise UsageError(
            f"The unlearned confidences cover {left} examples and the retrained ones "
            f"{right}; give both on the same forget set."
        )
    return pair
