"""Splitting models in two, so that one half can choose and the other half measure."""

from typing import NamedTuple

import numpy as np

from harness.metrics.inputs.confidence import ConfidencePair
from harness.models.outputs import Floats


class HalvedPair(NamedTuple):
    """Two pairs that share no model, on the same examples."""

    first: ConfidencePair
    second: ConfidencePair

    def swapped(self) -> "HalvedPair":
        """Return the same halves with their roles exchanged."""
        return HalvedPair(self.second, self.first)


def halve_pair(pair: ConfidencePair, rng: np.random.Generator) -> HalvedPair:
    """Split both groups of models at random, ``N // 2`` and ``M // 2`` to the first."""
    unlearned = halve_models(pair.unlearned, rng)
    retrained = halve_models(pair.retrained, rng)
    return HalvedPair(
        ConfidencePair(unlearned[0], retrained[0]),
        ConfidencePair(unlearned[1], retrained[1]),
    )


def split_pair(
    pair: ConfidencePair, rng: np.random.Generator, share: int
) -> HalvedPair:
    """Split at random, one in `share` models, but at least one, to the first part."""
    orders = [rng.permutation(len(models)) for models in pair]
    cuts = [max(1, len(models) // share) for models in pair]
    split = list(zip(pair, orders, cuts, strict=True))
    return HalvedPair(
        ConfidencePair(*(models[order[:cut]] for models, order, cut in split)),
        ConfidencePair(*(models[order[cut:]] for models, order, cut in split)),
    )


def halve_models(
    confidences: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return ``[N // 2, S]`` and ``[N - N // 2, S]``, a random split of the rows."""
    order = rng.permutation(len(confidences))
    cut = len(order) // 2
    return confidences[order[:cut]], confidences[order[cut:]]


def null_pair(
    retrained: Floats, held_out: Floats | None, rng: np.random.Generator
) -> ConfidencePair:
    """Return retrained models in the place of the unlearned ones.

    Where two or more further retrained models are held out, they stand in at the full
    size. Else `retrained` is split in two halves: metrics whose null depends on the
    number of models then show the null of M / 2.
    """
    if held_out is not None and len(held_out) > 1:
        return ConfidencePair(held_out, retrained)
    return ConfidencePair(*halve_models(retrained, rng))
