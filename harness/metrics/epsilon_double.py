"""Double-threshold attacks: call an example positive inside an interval [l, r].

The official grid holds about 160,000 intervals an example.  Trying them all is what
makes the released code slow, and hardly any of them matters.  Given the best attack so
far, of odds ``1 / c``, an interval from rank i to rank j of the merged samples beats it
only if

    ``p_i - c q_i < c (1 - delta - q_j) - 1 + p_j``    (FNR < c (1 - delta - FPR)), or
    ``c p_i - q_i < c (p_j - delta) - q_j``            (FPR < c (1 - delta - FNR)),

where p and q are the shares of positives and negatives below a rank.  The left sides
depend on i alone, so one window minimum per right end bounds all its intervals at once;
only those that pass are looked at, and kept if a left end of the grid falls there.
The result is that of the full grid, to rounding.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.metrics.epsilon_grid import IntervalGrid
from harness.metrics.epsilon_range import window_minimum
from harness.metrics.epsilon_sample import Bools, Floats, MergedSample, Roles, odds

_ROUNDING = 1e-12
"""An attack has to beat the best one by more than this, in shares."""
_FIRST_LOOK = 4
"""Right ends looked at in the first round; eight times as many in each later one."""
_BLOCK = 1 << 22
"""Pairs of a right end and a rank looked at in one go: bounds the memory."""


class _Bounds(NamedTuple):
    """Both sides of the two inequalities of the module's docstring.

    Attributes
    ----------
    left : ndarray of float64, shape [2, B, T + 1]
        Infinite at ranks between tied samples, where no threshold can fall.
    limit : ndarray of float64, shape [2, B, R]
    """

    left: Floats
    limit: Floats


def best_double_threshold(
    sample: MergedSample, roles: Roles, span: Floats, delta: float, best: Floats
) -> Floats:
    """Return the larger of `best` and of ``exp(epsilon)`` over the official intervals.

    Parameters
    ----------
    sample : MergedSample
        B examples.
    roles : Roles
        Positive: the group with the smaller range.
    span : ndarray of float64, shape [2, B]
        Smallest and largest positive sample.
    delta : float
        The delta of (epsilon, delta)-unlearning.
    best : ndarray of float64, shape [B]
        Odds of the best attack so far, 0 where none was kept.

    Returns
    -------
    ndarray of float64, shape [B]
        0 where every attack was discarded.
    """
    grid = IntervalGrid.of(sample, roles, span)
    best = np.where(grid.separates(), np.inf, best)
    best = _search(grid, delta, best, rounds=True)
    if (best == 0).any():
        best = _search(grid, delta, best, rounds=False)
    return best


def _search(grid: IntervalGrid, delta: float, best: Floats, *, rounds: bool) -> Floats:
    """Look at right ends, the most promising first, until none can beat `best`.

    With `rounds` false, only ask whether an example without a kept attack has one.
    """
    best = best.copy()
    wanted = np.isfinite(best) if rounds else best == 0
    active = np.flatnonzero(wanted)
    seen = np.zeros(grid.right.shape, dtype=bool)
    look = _FIRST_LOOK
    while active.size:
        part = grid.take(active)
        bounds = _bounds(part, delta, best[active], any_attack=not rounds)
        lowest = window_minimum(bounds.left, part.first, part.last)
        gap = (lowest - bounds.limit).min(axis=0)
        gap[seen[active]] = np.inf
        example, right = _most_promising(gap, look)
        seen[active[example], right] = True
        found = _best_of(part, bounds, delta, example, right)
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
    p_end = np.take_along_axis(p, grid.right_rank, axis=1)
    q_end = np.take_along_axis(q, grid.right_rank, axis=1)
    c = (1 / np.maximum(best, 1.0))[:, None]
    left = np.stack([p - c * q, c * p - q])
    left[:, ~grid.distinct] = np.inf
    if any_attack:
        return _Bounds(left, np.full((2, *p_end.shape), np.finfo(float).max))
    limit = np.stack([c * (1 - delta - q_end) - 1 + p_end, c * (p_end - delta) - q_end])
    return _Bounds(left, limit - _ROUNDING)


def _most_promising(
    gap: Floats, look: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return (example, right end) of up to `look` negative gaps an example."""
    if look >= gap.shape[1]:
        example, right = np.nonzero(gap < 0)
        return example, right
    order = np.argpartition(gap, look, axis=1)[:, :look]
    example, place = np.nonzero(np.take_along_axis(gap, order, axis=1) < 0)
    return example, order[example, place]


def _best_of(
    grid: IntervalGrid,
    bounds: _Bounds,
    delta: float,
    example: NDArray[np.intp],
    right: NDArray[np.intp],
) -> Floats:
    """Return the largest odds, [B], among intervals that end at the given places."""
    best = np.zeros(len(grid.right))
    ranks = bounds.left.shape[2]
    size = max(1, _BLOCK // ranks)
    for begin in range(0, example.size, size):
        e, r = example[begin : begin + size], right[begin : begin + size]
        which, rank = np.nonzero(_beating(grid, bounds, e, r))
        e, r = e[which], r[which]
        held = grid.reaches(e, r, rank)
        e, r, rank = e[held], r[held], rank[held]
        fpr, fnr = grid.rates(e, r, rank)
        np.maximum.at(best, e, odds(fpr, fnr, delta))
    return best


def _beating(
    grid: IntervalGrid,
    bounds: _Bounds,
    example: NDArray[np.intp],
    right: NDArray[np.intp],
) -> Bools:
    """Return which ranks [K, T + 1] meet an inequality for K right ends."""
    limit = bounds.limit[:, example, right, None]
    ranks = np.arange(bounds.left.shape[2])
    inside = (ranks >= grid.first[example, right, None]) & (
        ranks <= grid.last[example, right, None]
    )
    beats = bounds.left[:, example] < limit
    return np.asarray((beats[0] | beats[1]) & inside)
