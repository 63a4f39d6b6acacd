"""Minimum of any window of a row in constant time a question."""

import numpy as np
from numpy.typing import NDArray

from harness.metrics.epsilon_sample import Floats


def window_minimum(
    values: Floats, first: NDArray[np.intp], last: NDArray[np.intp]
) -> Floats:
    """Return the minimum of ``values[..., b, first[b, r] : last[b, r] + 1]``.

    A sparse table: level k holds the minimum of the 2**k values from each place on,
    and a window is the union of two, overlapping, stretches of one level.

    Parameters
    ----------
    values : ndarray of float64, shape [F, B, L]
        F rows to search for each of B examples.
    first, last : ndarray of int, shape [B, R]
        Inclusive bounds within 0 .. L - 1; a window with ``last < first`` is empty.

    Returns
    -------
    ndarray of float64, shape [F, B, R]
        Infinity for an empty window.
    """
    length = np.maximum(last - first + 1, 1)
    level = np.frexp(length)[1] - 1
    table = _sparse_table(values, int(level.max()))
    rows = np.arange(values.shape[1])[:, None]
    left = table[level, :, rows, first]
    right = table[level, :, rows, np.maximum(last - (1 << level) + 1, 0)]
    minimum = np.where((last >= first)[..., None], np.minimum(left, right), np.inf)
    return np.moveaxis(minimum, -1, 0)


def _sparse_table(values: Floats, top: int) -> Floats:
    """Return levels 0 .. `top`, shape [top + 1, F, B, L]."""
    table = np.full((top + 1, *values.shape), np.inf)
    table[0] = values
    for level in range(1, top + 1):
        below, half = table[level - 1], 1 << (level - 1)
        end = values.shape[-1] - 2 * half + 1
        np.minimum(
            below[..., :end],
            below[..., half : half + end],
            out=table[level, ..., :end],
        )
    return table
