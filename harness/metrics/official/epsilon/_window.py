"""Minimum of any window of a row in constant time a question."""

import numpy as np
from numpy.typing import NDArray

from harness.models.outputs import Floats


def window_minimum(
    values: Floats, first: NDArray[np.intp], last: NDArray[np.intp]
) -> Floats:
    """Return the minimum of ``values[..., b, first[b, r] : last[b, r] + 1]``.

    A sparse table: level k holds the minimum of the 2**k values from each place on,
    and a window is the union of two, overlapping, stretches of one level. A window with
    ``last < first`` is empty, its minimum infinity.
    """
    length = np.maximum(last - first + 1, 1)
    level = np.frexp(length)[1] - 1
    table = _sparse_table(values, int(level.max()))
    rows, row_size = values.shape[1:]
    # Flat places in the table: numpy gathers by one index fastest.
    start = level * values.size + np.arange(rows)[:, None] * row_size
    left, right = start + first, start + np.maximum(last - (1 << level) + 1, 0)
    flat, empty = table.reshape(-1), last < first
    found = np.empty((len(values), *first.shape))
    for each, minimum in enumerate(found):
        shift = each * rows * row_size
        np.minimum(flat[left + shift], flat[right + shift], out=minimum)
        minimum[empty] = np.inf
    return found


def _sparse_table(values: Floats, top: int) -> Floats:
    """Return levels 0 .. `top`, shape [top + 1, F, B, L]; row ends are not filled."""
    table = np.empty((top + 1, *values.shape))
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
