"""The official grid of intervals, seen through the sorted samples."""

from typing import NamedTuple

import numpy as np

from harness.metrics.official.epsilon._sample import (
    Bools,
    Indices,
    MergedSample,
    Roles,
    take,
)
from harness.models.outputs import Floats

BUFFER = 2.0
"""How far, in logits, the interval's ends reach beyond the positive samples."""
STEPS_PER_LOGIT = 100
"""Right ends in one unit of confidence."""
RIGHT_ENDS = 400
"""About how many right ends an example has: 100 a logit over four logits."""
LEFT_ENDS = 400
"""Left ends tried for each right end."""


class RightEnds(NamedTuple):
    """Right ends of B examples: ``numpy.linspace(start, stop, n_ends)`` of each.

    Values are computed as numpy does, operation by operation, for in float64 the last
    digit decides at ties. There are about 400, over the buffer around one value.
    """

    start: Floats
    stop: Floats
    step: Floats
    n_ends: Indices

    @classmethod
    def of(cls, low: Floats, high: Floats) -> "RightEnds":
        """Lay the ends out for positive samples that run from `low` to `high`, [B]."""
        start, stop = low + (high - low) - BUFFER, high + BUFFER
        count = np.ceil((stop - start) * STEPS_PER_LOGIT)
        return cls(start, stop, (stop - start) / (count - 1), count.astype(np.intp))

    def value(self, index: Indices) -> Floats:
        """Return the ends of the given indices, [B, ...], an example a row."""
        columns = (each.reshape(-1, *[1] * (index.ndim - 1)) for each in self)
        start, stop, step, count = columns
        return np.where(index == count - 1, stop, index * step + start)

    def below(self, values: Floats) -> Indices:
        """Return how many ends lie below each of `values`, [B, T]."""
        start, step = self.start[:, None], self.step[:, None]
        top = self.n_ends[:, None] - 1
        guess = np.clip(np.floor((values - start) / step), -1, top).astype(np.intp)
        for _ in range(2):
            guess += (guess < top) & (self.value(guess + 1) < values)
        for _ in range(2):
            guess -= (guess >= 0) & (self.value(guess) >= values)
        return guess + 1


class RightGroups(NamedTuple):
    """Right ends with no sample between them, taken together, padded to G an example.

    `size` of them from `begin` on, 0 in the padding, with `rank` samples at or below.
    Left ends outside the ranks `first` to `last` are not on the grid of any of these
    right ends, or give an attack that is discarded.
    """

    begin: Indices
    size: Indices
    rank: Indices
    first: Indices
    last: Indices


class IntervalGrid(NamedTuple):
    """All intervals [l, r] of B examples, grouped by what they cut off.

    Positive is the group with the smaller range, `width` from `lowest` on; `distinct`,
    [B, T + 1], is where a threshold can fall: not between tied samples.
    """

    sample: MergedSample
    roles: Roles
    lowest: Floats
    width: Floats
    ends: RightEnds
    groups: RightGroups
    distinct: Bools

    @classmethod
    def of(cls, sample: MergedSample, roles: Roles, span: Floats) -> "IntervalGrid":
        """Lay the grid over positive samples of smallest and largest value `span`."""
        low, high = span
        ends = RightEnds.of(low, high)
        distinct = np.ones(roles.positive.shape, dtype=bool)
        distinct[:, 1:-1] = sample.values[:, 1:] > sample.values[:, :-1]
        groups = _groups(sample.values, roles, ends, high - low)
        return cls(sample, roles, low, high - low, ends, groups, distinct)

    def separates(self) -> Bools:
        """Return, [B], whether an interval holds all positives and no negative."""
        below = _ranks(self.sample.values, self.lowest[:, None])
        p_end = _at(self.roles.positive, self.groups.rank)
        q_end = _at(self.roles.negative, self.groups.rank)
        clean = (p_end == 1) & (q_end == _at(self.roles.negative, below))
        example, group = np.nonzero(clean & (self.groups.size > 0))
        found = np.zeros(len(self.width), dtype=bool)
        held = self.reaches(example, group, below[example, 0])
        found[example[held]] = True
        return found

    def rates(
        self, example: Indices, group: Indices, rank: Indices
    ) -> tuple[Floats, Floats]:
        """Return FPR and FNR, [K], of intervals from a left rank to a group's ends."""
        end = self.groups.rank[example, group]
        p, q = self.roles.positive, self.roles.negative
        fpr: Floats = q[example, end] - q[example, rank]
        fnr: Floats = 1.0 - (p[example, end] - p[example, rank])
        return fpr, fnr

    def reaches(self, example: Indices, group: Indices, rank: Indices) -> Bools:
        """Return, [K], whether the grid of any end in a group has a left end at a rank.

        The left ends of r are ``linspace(r - width - 2, r - width + 2, 400)``.
        """
        held = self._end_reaches(example, group, rank, 0)
        # Mostly the group's first end decides; only where it has none, ask the others.
        size = self.groups.size[example, group]
        rest = np.flatnonzero(~held & (size > 1))
        others = size[rest] - 1
        owner = np.repeat(rest, others)
        place = np.arange(1, len(owner) + 1)
        place -= np.repeat(np.cumsum(others) - others, others)
        found = self._end_reaches(example[owner], group[owner], rank[owner], place)
        held[owner[found]] = True
        return held

    def _end_reaches(
        self, example: Indices, group: Indices, rank: Indices, place: Indices | int
    ) -> Bools:
        """Return, [K], whether one end of each group has a left end at a rank."""
        index = self.groups.begin[example, group] + place
        right = take(self.ends, example).value(index)
        values = self.sample.values
        before = np.where(rank > 0, values[example, rank - 1], -np.inf)
        return _has_left_end(right - self.width[example], before, values[example, rank])


def _has_left_end(right: Floats, before: Floats, at: Floats) -> Bools:
    """Return whether a left end lies above `before` and at or below `at`, all [K].

    `right` is the right end less the positive range.
    """
    start, stop = right - BUFFER, right + BUFFER
    step = (stop - start) / (LEFT_ENDS - 1)
    guess = np.floor((at - start) / step)
    found = np.zeros(len(right), dtype=bool)
    for offset in (-1, 0, 1):
        index = np.clip(guess + offset, 0, LEFT_ENDS - 1)
        left = np.where(index == LEFT_ENDS - 1, stop, index * step + start)
        found |= (before < left) & (left <= at)
    return found


def _groups(
    values: Floats, roles: Roles, ends: RightEnds, width: Floats
) -> RightGroups:
    """Gather the right ends by the number of samples at or below them."""
    below = np.zeros((len(values), values.shape[1] + 2), dtype=np.intp)
    below[:, 1:-1] = ends.below(values)
    below[:, -1] = ends.n_ends
    size = np.diff(below, axis=1)
    example, rank = np.nonzero(size)
    start = np.searchsorted(example, np.arange(len(values)))
    place = np.arange(len(example)) - start[example]
    packed = np.zeros((3, len(values), int(place.max()) + 1), dtype=np.intp)
    packed[:, example, place] = below[example, rank], size[example, rank], rank
    begin, size, rank = packed
    left = ends.value(begin) - width[:, None] - BUFFER
    right = ends.value(begin + size - 1) - width[:, None] + BUFFER
    first = _leave_a_positive(roles, rank, _ranks(values, left))
    last = _catch_a_negative(roles, rank, _ranks(values, right))
    return RightGroups(begin, size, rank, first, np.where(size > 0, last, -1))


def _at(shares: Floats, ranks: Indices) -> Floats:
    """Return the shares, [B, T + 1], at some ranks of each example, [B, G]."""
    return np.asarray(np.take_along_axis(shares, ranks, axis=1))


def _ranks(values: Floats, ends: Floats) -> Indices:
    """Return how many sorted `values` lie below each of `ends`, row by row."""
    rows = zip(values, ends, strict=True)
    return np.stack([row.searchsorted(end) for row, end in rows])


def _leave_a_positive(roles: Roles, end: Indices, first: Indices) -> Indices:
    """Raise the first rank so that FNR > 0: where r misses none, l has to."""
    one = np.argmax(roles.positive > 0, axis=1)[:, None]
    raised = np.where(_at(roles.positive, end) == 1, np.maximum(first, one), first)
    return np.asarray(raised)


def _catch_a_negative(roles: Roles, end: Indices, last: Indices) -> Indices:
    """Lower the last rank so that FPR > 0: at most that of r's last negative."""
    rises = roles.negative[:, 1:] > roles.negative[:, :-1]
    latest = np.full(roles.negative.shape, -1)
    places = np.where(rises, np.arange(rises.shape[1]), -1)
    np.maximum.accumulate(places, axis=1, out=latest[:, 1:])
    return np.asarray(np.minimum(last, np.take_along_axis(latest, end, axis=1)))
