"""Double-threshold attacks: call an example positive inside an interval [l, r].

The official grid holds about 160,000 intervals an example.  Trying them all is what
makes the released code slow, and hardly any of them matters.  Given the best attack so
far, of odds ``1 / c``, an interval from rank i to rank j of the merged samples beats it
only if

    ``p_i - c q_i < c (1 - delta - q_j) - 1 + p_j``    (FNR < c (1 - delta - FPR)), or
    ``c p_i - q_i < c (p_j - delta) - q_j``            (FPR < c (1 - delta - FNR)),

where p and q are the shares of positives and negatives below a rank.  The left sides
depend on i alone, so one window minimum bounds all intervals of a group of right ends
(no sample lies between them) at once; only groups that pass are looked at, and an
interval counts if the grid has one between these two ranks.
The result is that of the full grid, to rounding.
"""

from typing import NamedTuple

import numpy as np

from harness.metrics.official.epsilon._grid import RIGHT_ENDS, IntervalGrid
from harness.metrics.official.epsilon._sample import (
    Bools,
    Indices,
    MergedSample,
    Roles,
    odds,
    take,
)
from harness.models.outputs import Floats

_ROUNDING = 1e-12
"""An attack has to beat the best one by more than this, in shares."""
_FIRST_LOOK = 4
"""Groups looked at in the first round; eight times as many in each later one."""
_BLOCK = 1 << 20
"""Intervals looked at in one go: bounds the memory."""


class _Bounds(NamedTuple):
    """Left sides [2, B, T + 1] and limits [2, B, G] of the two inequalities above.

    `left` is infinite at ranks between tied samples, where no threshold can fall.
    """

    left: Floats
    limit: Floats


def best_double_threshold(
    sample: MergedSample, roles: Roles, span: Floats, delta: float, best: Floats
) -> Floats:
    """Return the larger of `best` and of ``exp(epsilon)`` over the official intervals.

    Positive is the group with the smaller range, which runs over `span`, [2, B]; 0
    means that every attack so far was discarded.
    """
    grid = IntervalGrid.of(sample, roles, span)
    best = np.where(grid.separates(), np.inf, best)
    best = _search(grid, delta, best, rounds=True)
    if (best == 0).any():
        best = _search(grid, delta, best, rounds=False)
    return best


def _search(grid: IntervalGrid, delta: float, best: Floats, *, rounds: bool) -> Floats:
    """Look at groups of right ends, the most promising first, until none can win.

    With `rounds` false, only ask whether an example without a kept attack has one.
    """
    best = best.copy()
    active = np.flatnonzero(np.isfinite(best) if rounds else best == 0)
    seen = np.zeros(grid.groups.size.shape, dtype=bool)
    look = _FIRST_LOOK
    while active.size:
        part = take(grid, active)
        bounds = _bounds(part, delta, best[active], any_attack=not rounds)
        lowest = _window_minimum(bounds.left, part.groups.first, part.groups.last)
        gap = (lowest - bounds.limit).min(axis=0)
        gap[seen[active]] = np.inf
        example, group = _most_promising(gap, look)
        seen[active[example], group] = True
        found = _best_of(part, bounds, delta, example, group)
        best[active] = np.maximum(best[active], found)
        active = active[np.bincount(example, minlength=active.size) > 0]
        if not rounds:
            active = active[best[active] == 0]
        look *= 8
    return best


def _bounds(
    grid: IntervalGrid, delta: float, best: Floats, *, any_attack: bool
) -> _Bounds:
    """Return the inequalities that an attack must meet to have odds above `best`."""
    p, q = grid.roles.positive, grid.roles.negative
    end = grid.groups.rank
    p_end, q_end = (np.take_along_axis(share, end, axis=1) for share in (p, q))
    c = (1 / np.maximum(best, 1.0))[:, None]
    left = np.stack([p - c * q, c * p - q])
    left[:, ~grid.distinct] = np.inf
    if any_attack:
        return _Bounds(left, np.full((2, *end.shape), np.finfo(float).max))
    limit = np.stack([c * (1 - delta - q_end) - 1 + p_end, c * (p_end - delta) - q_end])
    return _Bounds(left, limit - _ROUNDING)


def _most_promising(gap: Floats, look: int) -> tuple[Indices, Indices]:
    """Return (example, group) of up to `look` negative gaps an example."""
    if look >= gap.shape[1]:
        example, group = np.nonzero(gap < 0)
        return example, group
    order = np.argpartition(gap, look, axis=1)[:, :look]
    example, place = np.nonzero(np.take_along_axis(gap, order, axis=1) < 0)
    return example, order[example, place]


def _best_of(
    grid: IntervalGrid, bounds: _Bounds, delta: float, example: Indices, group: Indices
) -> Floats:
    """Return the largest odds, [B], among intervals that end in the given groups."""
    best = np.zeros(len(grid.width))
    size = max(1, _BLOCK // bounds.left.shape[2])
    for begin in range(0, example.size, size):
        e, g = example[begin : begin + size], group[begin : begin + size]
        which, ranks = np.nonzero(_beating(grid, bounds, e, g))
        for some in range(0, which.size, _BLOCK // RIGHT_ENDS):
            chosen = which[some : some + _BLOCK // RIGHT_ENDS]
            rank = ranks[some : some + _BLOCK // RIGHT_ENDS]
            held = grid.reaches(e[chosen], g[chosen], rank)
            at = (e[chosen[held]], g[chosen[held]], rank[held])
            np.maximum.at(best, at[0], odds(*grid.rates(*at), delta))
    return best


def _beating(
    grid: IntervalGrid, bounds: _Bounds, example: Indices, group: Indices
) -> Bools:
    """Return which left ranks, [K, T + 1], meet an inequality for K groups."""
    limit = bounds.limit[:, example, group, None]
    ranks = np.arange(bounds.left.shape[2])
    inside = (ranks >= grid.groups.first[example, group, None]) & (
        ranks <= grid.groups.last[example, group, None]
    )
    beats = bounds.left[:, example] < limit
    return np.asarray((beats[0] | beats[1]) & inside)


def _window_minimum(values: Floats, first: Indices, last: Indices) -> Floats:
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
            below[..., :end], below[..., half : half + end], out=table[level, ..., :end]
        )
    return table
