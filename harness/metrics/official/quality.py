"""Forgetting quality F: what each example's epsilon is worth, and the mean of that."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import UsageError

BUCKET_WIDTH = 0.5
"""Epsilon is rounded down to multiples of this; each costs half of the points."""


def points(epsilon: ArrayLike, n_models: int) -> NDArray[np.float64]:
    """Return the points of each example: 1 for epsilon below 0.5, then halved.

    Buckets are half-open, ``[0, 0.5), [0.5, 1), ...``; those that end at or below
    ``ceil(ln(n_models - 1))`` carry points, for a larger epsilon cannot be measured
    with so few models, and scores 0.

    Parameters
    ----------
    epsilon : array_like, shape [S]
        Epsilon of S >= 1 examples, 0 or more.
    n_models : int
        Number N >= 2 of unlearned models.  With N = 2 no bucket carries points.

    Returns
    -------
    ndarray of float64, shape [S]

    Raises
    ------
    UsageError
        Fewer than two models, no example, or an epsilon that is negative or NaN.

    References
    ----------
    Triantafillou et al., "Evaluation for the NeurIPS Machine Unlearning Competition"
    (2023).  The report speaks of 13 buckets at N = 512; the released code, which
    ranked the teams, has the 14 used here.
    """
    values = np.asarray(epsilon, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise UsageError(
            f"epsilon has shape {values.shape}; give one value for each of one or "
            "more examples."
        )
    if not (values >= 0).all():
        raise UsageError("epsilon holds negative or NaN values; it must be 0 or more.")
    bucket = np.floor(values / BUCKET_WIDTH)
    return np.where(bucket < _bucket_count(n_models), np.exp2(-bucket), 0.0)


def forgetting_quality(epsilon: ArrayLike, n_models: int) -> float:
    """Return F, the mean `points` over the forget set.

    Higher is better.  Retraining itself scores about 0.19, not 1, and values at
    different N cannot be compared.  Parameters and errors are those of `points`.
    """
    return float(points(epsilon, n_models).mean())


def _bucket_count(n_models: int) -> int:
    if n_models < 2:
        raise UsageError(
            f"n_models is {n_models}; forgetting quality needs at least 2 models."
        )
    return int(math.ceil(math.log(n_models - 1)) / BUCKET_WIDTH)
