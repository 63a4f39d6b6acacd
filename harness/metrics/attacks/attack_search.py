"""Finding the best attack of a family on the models of one half.

A search is told how good a pair of error counts is by a table
``[m + 1, n + 1]`` (false positives by false negatives, no better for more errors), and
promises the best entry it can reach. It is exhaustive: no grid, no step width.
"""

import numpy as np
from numpy.typing import NDArray

from harness.metrics.attacks.families import (
    GaussianAttack,
    IntervalAttack,
    fit_gaussians,
)
from harness.metrics.inputs.confidence import ConfidencePair
from harness.models.outputs import Floats

Marks = NDArray[np.intp]

_BLOCK = 256
"""Examples searched at a time, so that the counts stay in the cache."""


def best_threshold(pair: ConfidencePair, table: Floats) -> IntervalAttack:
    """Search all half lines, in both directions, on ``[n, S]`` and ``[m, S]`` models.

    `table` ``[m + 1, n + 1]`` says how good each pair of error counts is.
    """
    unlearned, retrained = np.sort(pair.unlearned, axis=0), np.sort(pair.retrained, 0)
    rank = _Ranks(unlearned, retrained)
    n, m = len(unlearned), len(retrained)
    position = np.arange(m + 1)[:, None]
    above = table[m - position, rank.at_most]
    below = table[position, n - rank.less]
    upward = above.max(axis=0) >= below.max(axis=0)
    first = np.where(upward, above.argmax(axis=0), 0)
    last = np.where(upward, m, below.argmax(axis=0))
    lower, upper = _between(unlearned, retrained, first, last)
    promise = np.maximum(above.max(axis=0), below.max(axis=0))
    return IntervalAttack(lower, upper, np.ones(len(promise), dtype=bool), promise)


def best_interval(pair: ConfidencePair, table: Floats) -> IntervalAttack:
    """Search all intervals and all complements of intervals; see `best_threshold`.

    The interval around the unlearned models and the one around the retrained models
    are searched in turn; ties go to the unlearned.
    """
    around_unlearned = _around(pair.unlearned, pair.retrained, table)
    # Around the retrained, an error of one kind becomes one of the other kind.
    around_retrained = _around(pair.retrained, pair.unlearned, table.T)
    inside = around_unlearned.promise >= around_retrained.promise
    return IntervalAttack(
        np.where(inside, around_unlearned.lower, around_retrained.lower),
        np.where(inside, around_unlearned.upper, around_retrained.upper),
        inside,
        np.maximum(around_unlearned.promise, around_retrained.promise),
    )


def best_likelihood_ratio(pair: ConfidencePair, table: Floats) -> GaussianAttack:
    """Search all thresholds on a ratio of two fitted normals; see `best_threshold`."""
    fit = fit_gaussians(pair)
    unlearned = np.sort(fit.log_ratio(pair.unlearned), axis=0)
    retrained = np.sort(fit.log_ratio(pair.retrained), axis=0)
    m = len(retrained)
    above = table[m - np.arange(m + 1)[:, None], _Ranks(unlearned, retrained).at_most]
    first = above.argmax(axis=0)
    lower, _ = _between(unlearned, retrained, first, np.full_like(first, m))
    return GaussianAttack(fit, lower, above.max(axis=0))


class _Ranks:
    """Where sorted `values` fall among m sorted `marks` of each example.

    Row i of `at_most` ``[m + 1, S]`` counts the values up to and including mark i,
    where the 0-th is minus infinity; row j of `less` those strictly below mark j + 1,
    where the last is plus infinity.
    """

    def __init__(self, values: Floats, marks: Floats) -> None:
        m, examples = marks.shape
        self.at_most = np.zeros((m + 1, examples), dtype=np.int32)
        self.less = np.full((m + 1, examples), len(values), dtype=np.int32)
        for s in range(examples):
            column = np.ascontiguousarray(values[:, s])
            self.at_most[1:, s] = column.searchsorted(marks[:, s], side="right")
            self.less[:m, s] = column.searchsorted(marks[:, s], side="left")


def _around(inner: Floats, outer: Floats, table: Floats) -> IntervalAttack:
    """Return the best intervals around `inner`; `table` is [outer in, inner out]."""
    inner, outer = np.sort(inner, axis=0), np.sort(outer, axis=0)
    rank = _Ranks(inner, outer)
    examples = inner.shape[1]
    first, last = np.zeros((2, examples), dtype=np.intp)
    promise = np.empty(examples)
    for start in range(0, examples, _BLOCK):
        block = slice(start, start + _BLOCK)
        first[block], last[block], promise[block] = _search_block(
            np.ascontiguousarray(rank.at_most[:, block]),
            np.ascontiguousarray(rank.less[:, block]),
            table,
        )
    lower, upper = _between(inner, outer, first, last)
    return IntervalAttack(lower, upper, np.ones(examples, dtype=bool), promise)


def _search_block(
    at_most: NDArray[np.int32], less: NDArray[np.int32], table: Floats
) -> tuple[Marks, Marks, Floats]:
    """Return first mark, last mark and promise of the best interval of each column.

    The interval between marks i and j holds j - i - 1 outer values and
    ``less[j - 1] - at_most[i]`` inner ones. For each number of outer values only the
    largest number of inner ones matters, since `table` never rewards an error. Tied
    marks make some counts pessimistic; the same interval then appears again, counted
    right, under the outermost of the tied marks.
    """
    m, examples = len(at_most) - 1, at_most.shape[1]
    n = table.shape[1] - 1
    promise = np.full(examples, -np.inf)
    width = np.zeros(examples, dtype=np.intp)
    for enclosed in range(m + 1):
        held = (less[enclosed:] - at_most[: m + 1 - enclosed]).max(axis=0)
        reached = table[enclosed, n - np.maximum(held, 0)]
        better = reached > promise
        promise[better] = reached[better]
        width[better] = enclosed
    first = np.empty(examples, dtype=np.intp)
    for s in range(examples):
        end = m + 1 - width[s]
        first[s] = (less[width[s] :, s] - at_most[:end, s]).argmax()
    return first, first + width, promise


def _between(
    inner: Floats, outer: Floats, first: Marks, last: Marks
) -> tuple[Floats, Floats]:
    """Return interval ends half way between the outer marks and the inner values.

    Half way, because on other models an end at a mark itself would err to one side. The
    interval runs from mark `first` to mark `last` + 1 of the sorted `outer`, marks 0
    and m + 1 being infinite.
    """
    examples = np.arange(inner.shape[1])
    edge = np.full((1, len(examples)), np.inf)
    marks = np.concatenate([-edge, outer, edge])
    low, high = marks[first, examples], marks[last + 1, examples]
    held = (inner > low) & (inner < high)
    empty = ~held.any(axis=0)
    smallest = np.where(empty, low, np.where(held, inner, np.inf).min(axis=0))
    largest = np.where(empty, high, np.where(held, inner, -np.inf).max(axis=0))
    return low / 2 + smallest / 2, high / 2 + largest / 2
