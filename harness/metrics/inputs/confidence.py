"""The pair of confidence arrays that metrics compare, and how to split its models."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import UsageError
from harness.models.outputs import Floats, ModelOutputs, confidence_matrix


class ConfidencePair(NamedTuple):
    """Checked confidences of unlearned ``[N, S]`` and retrained ``[M, S]`` models."""

    unlearned: Floats
    retrained: Floats

    @property
    def fewest(self) -> int:
        """The smaller of N and M, which decides what can be computed."""
        return min(len(self.unlearned), len(self.retrained))

    def lacks(self, least: int) -> str:
        """Say how many models something needs; nothing where there are enough."""
        if self.fewest >= least:
            return ""
        return f"needs N ≥ {least} models on either side; there are {self.fewest}"

    def examples(self, chosen: NDArray[np.intp]) -> "ConfidencePair":
        """Keep some of the examples."""
        return ConfidencePair(self.unlearned[:, chosen], self.retrained[:, chosen])


def forget_pair(unlearned: ModelOutputs, retrained: ModelOutputs) -> ConfidencePair:
    """Pair the forget confidences of two groups of models; see `confidence_pair`."""
    return confidence_pair(unlearned.forget_confidence, retrained.forget_confidence)


def confidence_pair(unlearned: ArrayLike, retrained: ArrayLike) -> ConfidencePair:
    """Check two confidence arrays and return them as float64.

    Parameters
    ----------
    unlearned, retrained : array_like, shapes [N, S] and [M, S]
        Of two or more models each, on the same S >= 1 examples.

    Raises
    ------
    UsageError
        See `harness.models.outputs.confidence_matrix`; also for different S.
    """
    pair = ConfidencePair(
        confidence_matrix(unlearned, "unlearned", 2),
        confidence_matrix(retrained, "retrained", 2),
    )
    left, right = pair.unlearned.shape[1], pair.retrained.shape[1]
    if left != right:
        raise UsageError(
            f"The unlearned confidences cover {left} examples and the retrained ones "
            f"{right}; give both on the same forget set."
        )
    return pair


def split_pair(
    pair: ConfidencePair, rng: np.random.Generator, share: int = 2
) -> tuple[ConfidencePair, ConfidencePair]:
    """Split models at random, one in `share` of each group, at least one, to the first.

    So the first part can choose what the second, which shares no model, measures.
    """
    orders = [rng.permutation(len(models)) for models in pair]
    cuts = [max(1, len(models) // share) for models in pair]
    split = list(zip(pair, orders, cuts, strict=True))
    return (
        ConfidencePair(*(models[order[:cut]] for models, order, cut in split)),
        ConfidencePair(*(models[order[cut:]] for models, order, cut in split)),
    )


def halve_models(models: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Split the rows of one group at random, ``N // 2`` to the first half."""
    first, second = halve_places(len(models), rng)
    return models[first], models[second]


def halve_places(
    n_models: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split the places of N models at random, ``N // 2`` to the first half."""
    order = rng.permutation(n_models)
    cut = n_models // 2
    return order[:cut], order[cut:]


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
