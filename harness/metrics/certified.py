"""Certified epsilon: a lower bound that holds with a stated probability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import UsageError
from harness.metrics.attack_search import (
    best_interval,
    best_likelihood_ratio,
    best_threshold,
)
from harness.metrics.attacks import Attack, count_errors
from harness.metrics.clopper_pearson import upper_bounds
from harness.metrics.confidence import ConfidencePair, confidence_pair
from harness.metrics.epsilon import DELTA
from harness.metrics.error_rates import epsilon_from_errors
from harness.metrics.model_halves import HalvedPair, halve_pair

LEVEL = 0.05
"""Probability with which the certified ε of an example may exceed the true one."""

FAMILIES = ("threshold", "interval", "likelihood ratio")
"""The attack families tried, in the order in which ties are decided."""


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
    false_positive_bound, false_negative_bound : ndarray, shape [S]
        Upper bounds of the two error rates, which hold together with probability
        ``1 - level``.
    family : ndarray of int, shape [S]
        Index into `FAMILIES` of the attack that was judged.
    worst_example : int
        The example that looked least forgotten to the half that chose.
    level, delta : float
    largest : float
        The most that this number of models can certify: no error in the judging half.
    """

    epsilon: NDArray[np.float64]
    false_positive_bound: NDArray[np.float64]
    false_negative_bound: NDArray[np.float64]
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
    and of all thresholds on a Gaussian likelihood ratio. The other half has played no
    part in the choice, so the errors of that one attack on it are binomial: both error
    rates are bounded by one-sided Clopper–Pearson bounds at ``level / 2`` each, hold
    together by Bonferroni, and serve both directions of (ε, δ)-unlearning at once.

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
    _check_probabilities(level, delta)
    halves = halve_pair(
        confidence_pair(unlearned, retrained), np.random.default_rng(seed)
    )
    attacks = chosen_attacks(halves.first, level=level, delta=delta)
    promises = np.stack([attack.promise for attack in attacks])
    return _judge(attacks, promises, halves, level, delta)


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


def chosen_attacks(
    pair: ConfidencePair, *, level: float = LEVEL, delta: float = DELTA
) -> tuple[Attack, ...]:
    """Return the most promising attack of each family, in the order of `FAMILIES`.

    What an attack promises is the ε that Clopper–Pearson bounds would certify on the
    very models it was chosen on. A larger family finds a luckier attack there, so its
    bounds are taken at the level divided by the square root of its number of attacks.
    That is half way (in logarithms) between no correction and Bonferroni's, and in
    simulation close to the better of the two everywhere. Any rule would be valid,
    as the other half judges; a better one only certifies more.
    """
    n, m = len(pair.unlearned), len(pair.retrained)
    single, double = 2 * (n + m), n * n + m * m
    few = _promise_table(n, m, level / np.sqrt(single), delta)
    many = _promise_table(n, m, level / np.sqrt(double), delta)
    return (
        best_threshold(pair, few),
        best_interval(pair, many),
        best_likelihood_ratio(pair, few),
    )


def _judge(
    attacks: tuple[Attack, ...],
    promises: NDArray[np.float64],
    halves: HalvedPair,
    level: float,
    delta: float,
) -> CertifiedEpsilon:
    """Bound the error rates of the most promising attacks on the second half."""
    family = promises.argmax(axis=0)
    judges = halves.second
    errors = [count_errors(attack, judges) for attack in attacks]
    examples = np.arange(len(family))
    positives = np.stack([e.false_positives for e in errors])[family, examples]
    negatives = np.stack([e.false_negatives for e in errors])[family, examples]
    false_positive = upper_bounds(len(judges.retrained), level / 2)[positives]
    false_negative = upper_bounds(len(judges.unlearned), level / 2)[negatives]
    epsilon = epsilon_from_errors(false_positive, false_negative, delta)
    models = [len(a) + len(b) for a, b in zip(halves.first, judges, strict=True)]
    return CertifiedEpsilon(
        epsilon=np.maximum(epsilon, 0.0),
        false_positive_bound=false_positive,
        false_negative_bound=false_negative,
        family=family,
        worst_example=int(promises.max(axis=0).argmax()),
        level=level,
        delta=delta,
        largest=largest_certifiable(models[0], models[1], level=level, delta=delta),
    )


def _promise_table(n: int, m: int, level: float, delta: float) -> NDArray[np.float64]:
    """Return ε by error counts, ``[m + 1, n + 1]``, from bounds at ``level / 2``."""
    false_positive = upper_bounds(m, level / 2)[:, None]
    false_negative = upper_bounds(n, level / 2)[None, :]
    return epsilon_from_errors(false_positive, false_negative, delta)


def _check_probabilities(level: float, delta: float) -> None:
    """Refuse a level outside (0, 1) or a δ outside [0, 1)."""
    if not 0.0 < level < 1.0:
        raise UsageError(f"level is {level}; give a probability between 0 and 1.")
    if not 0.0 <= delta < 1.0:
        raise UsageError(f"delta is {delta}; give a number from 0 up to, not with, 1.")
