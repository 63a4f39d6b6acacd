"""Independent small repetitions of a scoring, cut out of its own models."""

from typing import NamedTuple

import numpy as np

from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.official.epsilon import epsilon
from harness.metrics.official.quality import points
from harness.metrics.official.utility import Models
from harness.models.outputs import Floats

_EXAMPLES_AT_ONCE = 2000
"""Examples of several repetitions scored in one call; a call with few is slow."""


class Replicates(NamedTuple):
    """Pairs of disjoint subsets of models, from L random divisions.

    The two of a pair share no model, so their epsilon ``[L, 2, S]`` differ as two
    scorings of that size; or no unlearned model, so that they differ as two against the
    same bank. `unlearned` ``[L, 2, n]`` and `retrained` ``[L, 2, m]`` are the subsets.
    """

    epsilon: Floats
    unlearned: Models
    retrained: Models

    def points(self, n_models: int) -> Floats:
        """Return the points of each example, [L, 2, S], as with `n_models` models."""
        return points(self.epsilon.ravel(), n_models).reshape(self.epsilon.shape)


class Division(NamedTuple):
    """How to cut the models up, `times` over: in halves (`share` 2) or quarters (4).

    With `same_retrained` the two of a pair meet the same retrained models.
    """

    share: int
    times: int
    same_retrained: bool = False


def replicate(
    pair: ConfidencePair, division: Division, rng: np.random.Generator, *, delta: float
) -> Replicates:
    """Score pairs of disjoint subsets of both groups of models, or of one."""
    unlearned = _subsets(len(pair.unlearned), division, rng)
    retrained = _subsets(len(pair.retrained), division, rng)
    if division.same_retrained:
        retrained = retrained[:, [0, 0]]
    subsets = np.concatenate(unlearned), np.concatenate(retrained)
    found = epsilon_of_subsets(pair, *subsets, delta=delta)
    shape = (division.times, 2, -1)
    return Replicates(found.reshape(shape), unlearned, retrained)


def epsilon_of_subsets(
    pair: ConfidencePair, unlearned: Models, retrained: Models, *, delta: float
) -> Floats:
    """Return epsilon, [K, S], of K scorings with the models [K, n] and [K, m] alone."""
    n_examples = pair.unlearned.shape[1]
    at_once = max(1, _EXAMPLES_AT_ONCE // n_examples)
    found = []
    for begin in range(0, len(unlearned), at_once):
        rows = slice(begin, begin + at_once)
        left = np.concatenate(list(pair.unlearned[unlearned[rows]]), axis=1)
        right = np.concatenate(list(pair.retrained[retrained[rows]]), axis=1)
        found.append(epsilon(left, right, delta=delta).epsilon)
    return np.concatenate(found).reshape(-1, n_examples)


def _subsets(n_models: int, division: Division, rng: np.random.Generator) -> Models:
    """Return pairs of disjoint subsets of models, [L, 2, n_models // share]."""
    size = n_models // division.share
    orders = np.tile(np.arange(n_models), (division.times, 1))
    chosen = rng.permuted(orders, axis=1)[:, : 2 * size]
    return chosen.reshape(division.times, 2, size)
