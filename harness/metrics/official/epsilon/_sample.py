"""A batch of examples as sorted samples: all that an attack can see of them."""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.models.outputs import Floats

Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]
Table = TypeVar("Table", bound=NamedTuple)


def take(table: Table, rows: Indices) -> Table:
    """Return the examples `rows` alone of a table's columns and of tables in it."""
    return table._make(
        part[rows] if isinstance(part, np.ndarray) else take(part, rows)
        for part in table
    )


class MergedSample(NamedTuple):
    """Confidences of both groups, merged and sorted, for a batch of B examples.

    An attack only ever meets the sorted order: cutting at a threshold leaves some
    rank ``i`` of samples below it, ``0 <= i <= T`` with ``T = N + M``. Of the ``i``
    smallest, ``unlearned_below[:, i]`` are unlearned ones.
    """

    values: Floats
    unlearned_below: Floats

    @classmethod
    def of(cls, unlearned: Floats, retrained: Floats) -> "MergedSample":
        """Merge confidences of shapes [B, N] and [B, M]."""
        joined = np.concatenate([unlearned, retrained], axis=1)
        order = np.argsort(joined, axis=1)
        below = np.zeros((len(joined), joined.shape[1] + 1))
        np.cumsum(order < unlearned.shape[1], axis=1, out=below[:, 1:])
        return cls(np.take_along_axis(joined, order, axis=1), below)


class Roles(NamedTuple):
    """Share of the positive and the negative group below each rank, [B, T + 1]."""

    positive: Floats
    negative: Floats

    @classmethod
    def of(cls, sample: MergedSample, positive_is_unlearned: Bools) -> "Roles":
        """Cast the groups of each example, [B]."""
        below = sample.unlearned_below
        others = np.arange(below.shape[1]) - below
        unlearned, retrained = below / below[:, -1:], others / others[:, -1:]
        chosen = positive_is_unlearned[:, None]
        return cls(
            np.where(chosen, unlearned, retrained),
            np.where(chosen, retrained, unlearned),
        )


def odds(fpr: Floats, fnr: Floats, delta: float) -> Floats:
    """Return ``exp(epsilon)`` of attacks: at least 1 if kept, 0 if discarded.

    Working with odds instead of their logarithms spares a logarithm an attack. They are
    infinite where both rates are 0; exactly one of 0 means too few samples to tell.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        best = np.maximum((1 - delta - fpr) / fnr, (1 - delta - fnr) / fpr)
    best = np.maximum(best, 1.0)
    one_sided = (fpr == 0) | (fnr == 0)
    kept: Floats = np.where(one_sided, 0.0, best)
    return np.where((fpr == 0) & (fnr == 0), np.inf, kept)
