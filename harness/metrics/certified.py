"""Certified epsilon: a lower bound that holds with a stated probability."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import UsageError
from harness.metrics.bounded_errors import LEVEL, bound_errors
from harness.metrics.clopper_pearson import upper_bounds
from harness.metrics.confidence import confidence_pair
from harness.metrics.epsilon import DELTA
from harness.metrics.error_rates import epsilon_from_errors
from harness.metrics.model_halves import halve_pair

LEAST_MODELS = 11
"""Fewest models a side that can certify anything above 0 at the usual level."""


@dataclass(frozen=True)
class CertifiedEpsilon:
    """Lower bounds of ε, one for each example.

    For each example by itself: with probability at least ``1 - level`` over the
    models, ``epsilon[s]`` does not exceed the true ε of example s. It is **not** said
    that all S bounds hold at once (ask for ``level / S`` if that is needed), and the
    mean over examples is a summary, of which at most a share `level` of the terms is
    expected to be too high. `worst` is one bound for the whole: it holds with
    probability ``1 - level`` for the largest ε of all examples.

    Attributes
    ----------
    epsilon : ndarray, shape [S]
        At least 0.
    family : ndarray of int, shape [S]
        Index into `harness.metrics.bounded_errors.FAMILIES` of the attack judged.
    worst_example : int
        The example that looked least forgotten to the half that chose.
    level, delta : float
    largest : float
        The most that this number of models can certify: no error in the judging half.
    """

    epsilon: NDArray[np.float64]
    family: NDArray[np.intp]
    worst_example: int
    level: float
    delta: float
    largest: float

    @property
    def mean(self) -> float:
        """Mean certified ε over the examples."""
        return float(self.epsilon.mean())

    @property
    def worst(self) -> float:
        """Certified ε of `worst_example`, a bound for the largest ε of all."""
        return float(self.epsilon[self.worst_example])


def certified_epsilon(
    unlearned: ArrayLike,
    retrained: ArrayLike,
    *,
    seed: int,
    level: float = LEVEL,
    delta: float = DELTA,
) -> CertifiedEpsilon:
    """Bound every example's ε from below.

    One half of the models, drawn at random, chooses for each example the most
    promising of all single thresholds, of all intervals and complements of intervals,
    and of all thresholds on a Gaussian likelihood ratio. The other half bounds both
    error rates of that one attack (see `harness.metrics.bounded_errors`), and the two
    bounds serve both directions of (ε, δ)-unlearning at once.

    Because half the models only choose, perfect separation of N against N models
    certifies what ``log((1 - δ - x) / x)``, ``x = 1 - (level / 2) ** (2 / N)``, allows:
    2.10 for N = 64, 2.82 for 128, 3.53 for 256 and 4.23 for 512 (see
    `largest_certifiable`). Nothing above 0 can be certified below N = 11.

    Parameters
    ----------
    unlearned : array_like, shape [N, S]
        Confidences of N >= 2 unlearned models on S examples.
    retrained : array_like, shape [M, S]
        Confidences of M >= 2 retrained models on the same examples.
    seed : int
        Decides the halves. The order of the examples does not matter; models are
        taken to be exchangeable.
    level : float
        Probability with which each bound may fail.
    delta : float
        The δ of (ε, δ)-unlearning.

    Raises
    ------
    UsageError
        See `harness.metrics.confidence.confidence_pair`; also for `level` or `delta`
        outside (0, 1) or [0, 1).

    References
    ----------
    Jagielski, Ullman and Oprea, "Auditing differentially private machine learning"
    (2020); Nasr et al., "Tight auditing of differentially private machine learning"
    (2023), for the choice of thresholds on separate models.
    """
    if not 0.0 <= delta < 1.0:
        raise UsageError(f"delta is {delta}; it must lie in [0, 1), usually 1e-5.")
    pair = confidence_pair(unlearned, retrained)
    halves = halve_pair(pair, np.random.default_rng(seed))
    bounds = bound_errors(halves, partial(epsilon_from_errors, delta=delta), level)
    epsilon = epsilon_from_errors(bounds.false_positive, bounds.false_negative, delta)
    return CertifiedEpsilon(
        epsilon=np.maximum(epsilon, 0.0),
        family=bounds.family,
        worst_example=int(bounds.promise.argmax()),
        level=level,
        delta=delta,
        largest=largest_certifiable(*(len(p) for p in pair), level=level, delta=delta),
    )


def largest_certifiable(
    unlearned_models: int,
    retrained_models: int,
    *,
    level: float = LEVEL,
    delta: float = DELTA,
) -> float:
    """Return the certified ε of a perfect separation of N against M models."""
    rates = [
        upper_bounds(count - count // 2, level / 2)[:1]
        for count in (unlearned_models, retrained_models)
    ]
    return max(0.0, float(epsilon_from_errors(rates[0], rates[1], delta)[0]))
