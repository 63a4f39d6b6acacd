"""Splitting models in two, so that one half can choose and the other half judge."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.metrics.inputs.confidence import ConfidencePair


class HalvedPair(NamedTuple):
    """Two disjoint pairs of confidence arrays on the same examples.

    Attributes
    ----------
    first : ConfidencePair
        ``[N // 2, S]`` unlearned and ``[M // 2, S]`` retrained confidences, or another
        share of the models.
    second : ConfidencePair
        The remaining models of either side.
    """

    first: ConfidencePair
    second: ConfidencePair

    def swapped(self) -> "HalvedPair":
        """Return the same halves with their roles exchanged."""
        return HalvedPair(self.second, self.first)


def halve_pair(pair: ConfidencePair, rng: np.random.Generator) -> HalvedPair:
    """Split both sides of `pair` at random into halves of models.

    Parameters
    ----------
    pair : ConfidencePair
        ``[N, S]`` unlearned and ``[M, S]`` retrained confidences.
    rng : numpy.random.Generator
        Decides which models go where; the order of the examples plays no part.
    """
    unlearned = halve_models(pair.unlearned, rng)
    retrained = halve_models(pair.retrained, rng)
    return HalvedPair(
        ConfidencePair(unlearned[0], retrained[0]),
        ConfidencePair(unlearned[1], retrained[1]),
    )


def split_pair(
    pair: ConfidencePair, rng: np.random.Generator, share: int
) -> HalvedPair:
    """Split both sides of `pair` at random, one in `share` models to the first part.

    Parameters
    ----------
    pair : ConfidencePair
        ``[N, S]`` unlearned and ``[M, S]`` retrained confidences, N, M >= 2.
    rng : numpy.random.Generator
    share : int
        The first part has ``N // share`` and ``M // share`` models, but at least one.
    """
    orders = [rng.permutation(len(side)) for side in pair]
    cuts = [max(1, len(side) // share) for side in pair]
    split = list(zip(pair, orders, cuts, strict=True))
    return HalvedPair(
        ConfidencePair(*(side[order[:cut]] for side, order, cut in split)),
        ConfidencePair(*(side[order[cut:]] for side, order, cut in split)),
    )


def halve_models(
    confidences: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``[N // 2, S]`` and ``[N - N // 2, S]``, a random split of the rows."""
    order = rng.permutation(len(confidences))
    cut = len(order) // 2
    return confidences[order[:cut]], confidences[order[cut:]]


def null_pair(
    retrained: NDArray[np.float64],
    held_out: NDArray[np.float64] | None,
    rng: np.random.Generator,
) -> ConfidencePair:
    """Return retrained models in the place of the unlearned ones.

    Parameters
    ----------
    retrained : ndarray, shape [M, S]
        The retrained models a submission is compared with.
    held_out : ndarray, shape [H, S], or None
        Further retrained models, which then stand in for the unlearned ones at the
        full size. Without them `retrained` is split in two halves: metrics whose
        null depends on the number of models then show the null of M / 2.
    """
    if held_out is not None:
        return ConfidencePair(held_out, retrained)
    return ConfidencePair(*halve_models(retrained, rng))
