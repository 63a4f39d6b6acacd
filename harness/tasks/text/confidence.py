"""The logit-scaled confidence of a passage."""

import numpy as np
from numpy.typing import NDArray

#: The smallest float32 above zero, as for classes: a probability is no nearer to 1.
_TINY = 1e-45


def passage_confidence(log_likelihood: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``log(p / (1 - p))`` of passages from ``log p``, without leaving logs.

    p is the probability of the whole passage given its first token, often 1e-50: of a
    mean over its tokens retrained models would differ by so little that the official
    grid, whose steps are absolute, could not tell them apart.
    """
    certain = np.minimum(log_likelihood, -_TINY)
    return np.asarray(certain - np.log(-np.expm1(certain)))
