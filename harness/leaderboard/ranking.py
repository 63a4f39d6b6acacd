"""Ranks that are shared by rows which cannot be told apart."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.metrics.uncertainty.paired import difference_of
from harness.metrics.uncertainty.scored_submission import ScoredSubmission

RULE = (
    "A row's rank is 1 + the number of rows that are better than it by the paired "
    "95 % interval of the difference in score, over new models and new forget "
    "examples. Rows that cannot be told apart share a rank, and no row has a better "
    "rank than a row with a higher score."
)


def shared_ranks(better: NDArray[np.bool_]) -> list[int]:
    """Return the rank of each row.

    Being separable depends on both rows' noise, so that a noisy row may lose to fewer
    rows than a quiet one above it; the running maximum keeps the order of the scores.

    Parameters
    ----------
    better : ndarray of bool, shape [R, R]
        Whether row i is separably better than row j; rows in the order of their
        scores, best first.
    """
    if len(better) == 0:
        return []
    return [int(r) for r in np.maximum.accumulate(1 + better.sum(axis=0))]


def separably_better(sides: Sequence[ScoredSubmission | None]) -> NDArray[np.bool_]:
    """Compare all pairs of rows, ``[R, R]``; see `shared_ranks`.

    Parameters
    ----------
    sides : sequence of ScoredSubmission or None
        In the order of their scores, best first. None, with too few models for an
        interval, cannot be told apart from anything.
    """
    better = np.zeros((len(sides), len(sides)), dtype=np.bool_)
    for above, first in enumerate(sides):
        for below in range(above + 1, len(sides)):
            second = sides[below]
            if first is not None and second is not None:
                better[above, below] = _is_better(first, second)
    return better


def _is_better(first: ScoredSubmission, second: ScoredSubmission) -> bool:
    difference = difference_of(first, second, examples="drawn")
    return difference.separable and difference.difference > 0
