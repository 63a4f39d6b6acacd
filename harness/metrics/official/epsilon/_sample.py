"""A batch of examples as sorted samples: all that an attack can see of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.models.outputs import Floats

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class MergedSample:
    """Confidences of both groups, merged and sorted, for a batch of B examples.

    An attack only ever meets the sorted order: cutting at a threshold leaves some
    rank ``i`` of samples below it, ``0 <= i <= T`` with ``T = N + M``. Of the ``i``
    smallest, ``unlearned_below[:, i]`` are unlearned ones.
    """

    values: Floats
    unlearned_below: Floats
    n_unlearned: int
    n_retrained: int

    @classmethod
    def of(cls, unlearned: Floats, retrained: Floats) -> "MergedSample":
        """Merge confidences of shapes [B, N] and [B, M]."""
        joined = np.concatenate([unlearned, retrained], axis=1)
        order = np.argsort(joined, axis=1)
        below = np.zeros((len(joined), joined.shape[1] + 1))
        np.cumsum(order < unlearned.shape[1], axis=1, out=below[:, 1:])
        return cls(
            np.take_along_axis(joined, order, axis=1),
            below,
            unlearned.shape[1],
            retrained.shape[1],
        )

    def take(self, rows: NDArray[np.intp]) -> "MergedSample":
        """Return the examples `rows` alone."""
        return MergedSample(
            self.values[rows],
            self.unlearned_below[rows],
            self.n_unlearned,
            self.n_retrained,
        )


@dataclass(frozen=True)
class Roles:
    """Share of the positive and the negative group below each rank, [B, T + 1]."""

    positive: Floats
    negative: Floats

    @classmethod
    def of(cls, sample: MergedSample, positive_is_unlearned: Bools) -> "Roles":
        """Cast the groups of each example, [B]."""
        ranks = np.arange(sample.unlearned_below.shape[1])
        n, m = float(sample.n_unlearned), float(sample.n_retrained)
        unlearned = sample.unlearned_below / n
        retrained = (ranks - sample.unlearned_below) / m
        chosen = positive_is_unlearned[:, None]
        return cls(
            np.where(chosen, unlearned, retrained),
            np.where(chosen, retrained, unlearned),
        )

    def take(self, rows: NDArray[np.intp]) -> "Roles":
        """Return the examples `rows` alone."""
        return Roles(
            self.positive[rows],
            self.negative[rows],
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
