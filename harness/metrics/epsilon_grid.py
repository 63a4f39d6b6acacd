"""The official grid of intervals, seen through the sorted samples."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.metrics.epsilon_sample import Bools, Floats, MergedSample, Roles

Indices = NDArray[np.intp]

BUFFER = 2.0
"""How far, in logits, the interval's ends reach beyond the positive samples."""
STEPS_PER_LOGIT = 100
"""Right ends in one unit of confidence."""
LEFT_ENDS = 400
"""Left ends tried for each right end."""


@dataclass(frozen=True)
class IntervalGrid:
    """All intervals [l, r] of B examples, grouped by what they cut off.

    Attributes
    ----------
    sample : MergedSample
        The T merged samples of each example.
    roles : Roles
        Positive: the group with the smaller range.
    lowest : ndarray of float64, shape [B]
        The smallest positive sample.
    width : ndarray of float64, shape [B]
        The range of the positive samples.
    right : ndarray of float64, shape [B, R]
        Right ends, padded with infinity.
    right_rank : ndarray of int, shape [B, R]
        How many samples lie at or below a right end.
    first, last : ndarray of int, shape [B, R]
        Between these ranks, both included, a left end gives an attack that is kept.
    distinct : ndarray of bool, shape [B, T + 1]
        Whether a threshold can fall at a rank: not between tied samples.
    """

    sample: MergedSample
    roles: Roles
    lowest: Floats
    width: Floats
    right: Floats
    right_rank: Indices
    first: Indices
    last: Indices
    distinct: Bools

    @classmethod
    def of(cls, sample: MergedSample, roles: Roles, span: Floats) -> "IntervalGrid":
        """Lay the grid over positive samples of smallest and largest value `span`."""
        low, high = span
        width = high - low
        right = _right_ends(low, high, width)
        rank = _ranks(sample.values, right, "right")
        first = _ranks(sample.values, right - width[:, None] - BUFFER, "left")
        last = _ranks(sample.values, right - width[:, None] + BUFFER, "left")
        last[np.isinf(right)] = -1
        distinct = np.ones(roles.positive.shape, dtype=bool)
        distinct[:, 1:-1] = sample.values[:, 1:] > sample.values[:, :-1]
        return cls(
            sample,
            roles,
            low,
            width,
            right,
            rank,
            _leave_a_positive(roles, rank, first),
            _catch_a_negative(roles, rank, last),
            distinct,
        )

    def take(self, rows: Indices) -> "IntervalGrid":
        """Return the examples `rows` alone."""
        return replace(
            self,
            sample=self.sample.take(rows),
            roles=self.roles.take(rows),
            lowest=self.lowest[rows],
            width=self.width[rows],
            right=self.right[rows],
            right_rank=self.right_rank[rows],
            first=self.first[rows],
            last=self.last[rows],
            distinct=self.distinct[rows],
        )

    def separates(self) -> Bools:
        """Return, [B], whether an interval holds all positives and no negative."""
        below = _ranks(self.sample.values, self.lowest[:, None], "left")
        p_end = np.take_along_axis(self.roles.positive, self.right_rank, axis=1)
        q_end = np.take_along_axis(self.roles.negative, self.right_rank, axis=1)
        q_start = np.take_along_axis(self.roles.negative, below, axis=1)
        clean = (p_end == 1) & (q_end == q_start) & np.isfinite(self.right)
        example, right = np.nonzero(clean)
        found = np.zeros(len(self.right), dtype=bool)
        held = self.reaches(example, right, below[example, 0])
        found[example[held]] = True
        return found

    def rates(
        self, example: Indices, right: Indices, rank: Indices
    ) -> tuple[Floats, Floats]:
        """Return FPR and FNR, [K], of K intervals given by their left rank."""
        end = self.right_rank[example, right]
        p, q = self.roles.positive, self.roles.negative
        fpr: Floats = q[example, end] - q[example, rank]
        fnr: Floats = 1.0 - (p[example, end] - p[example, rank])
        return fpr, fnr

    def reaches(self, example: Indices, right: Indices, rank: Indices) -> Bools:
        """Return, [K], whether a left end of the grid falls at the given rank.

        The left ends are ``linspace(start, stop, 400)``, computed as numpy does, for
        in float64 the last digit decides at ties.
        """
        values = self.sample.values
        at = values[example, np.minimum(rank, values.shape[1] - 1)]
        before = np.where(rank > 0, values[example, rank - 1], -np.inf)
        shifted = self.right[example, right] - self.width[example]
        start, stop = shifted - BUFFER, shifted + BUFFER
        step = (stop - start) / (LEFT_ENDS - 1)
        guess = np.floor((at - start) / step)
        found = np.zeros(len(rank), dtype=bool)
        for offset in (-1, 0, 1):
            index = np.clip(guess + offset, 0, LEFT_ENDS - 1)
            left = np.where(index == LEFT_ENDS - 1, stop, index * step + start)
            found |= (before < left) & (left <= at)
        return found


def _right_ends(low: Floats, high: Floats, width: Floats) -> Floats:
    """Return the right ends, [B, R], as ``numpy.linspace`` spaces them."""
    start, stop = low + width - BUFFER, high + BUFFER
    count = np.ceil((stop - start) * STEPS_PER_LOGIT)[:, None]
    index = np.arange(int(count.max()))
    step = (stop - start)[:, None] / (count - 1)
    ends = index * step + start[:, None]
    ends = np.where(index == count - 1, stop[:, None], ends)
    return np.where(index < count, ends, np.inf)


def _ranks(values: Floats, ends: Floats, side: Literal["left", "right"]) -> Indices:
    """Return how many sorted `values` lie below (or at) each of `ends`, row by row."""
    rows = zip(values, ends, strict=True)
    return np.stack([row.searchsorted(end, side) for row, end in rows])


def _leave_a_positive(roles: Roles, end: Indices, first: Indices) -> Indices:
    """Raise the first rank so that FNR > 0: where r misses none, l has to."""
    complete = np.take_along_axis(roles.positive, end, axis=1) == 1
    one = np.argmax(roles.positive > 0, axis=1)[:, None]
    return np.asarray(np.where(complete, np.maximum(first, one), first))


def _catch_a_negative(roles: Roles, end: Indices, last: Indices) -> Indices:
    """Lower the last rank so that FPR > 0: at most that of r's last negative."""
    rises = np.diff(roles.negative, axis=1) > 0
    places = np.where(rises, np.arange(rises.shape[1]), -1)
    latest = np.full(roles.negative.shape, -1)
    np.maximum.accumulate(places, axis=1, out=latest[:, 1:])
    return np.asarray(np.minimum(last, np.take_along_axis(latest, end, axis=1)))
