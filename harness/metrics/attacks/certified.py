"""Certified epsilon: a lower bound that holds with a stated probability.

Of one example, of the largest ε of all (`CertifiedEpsilon.worst`), or of the mean over
the examples (`certified_mean_epsilon`). The mean and the median of the examples' own
bounds are *no* bounds: where every true ε is 0, each of them is above 0 in up to 5 % of
all repetitions, but their mean, of which a single one is enough, nearly always (181 of
200 simulations with 400 examples). They say how much is proven of how many examples.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import UsageError
from harness.metrics.attacks.bounded_errors import ALPHA, prove_loss
from harness.metrics.inputs.confidence import ConfidencePair, confidence_pair
from harness.metrics.official.epsilon import DELTA
from harness.models.outputs import Floats

GIVEN_UP = 0.05
"""Share of the examples whose bounds may all fail without harm to that of the mean. In
simulation 2 to 10 % prove about as much, on skewed benchmarks fewer prove more."""

LEAST_MODELS = 5
"""Fewest models a side that can certify anything above 0 at the usual alpha."""


@dataclass(frozen=True)
class CertifiedEpsilon:
    """Lower bounds of ε, at least 0, one for each example ``[S]``.

    For each example by itself: with probability at least ``1 - alpha`` over the
    models, ``epsilon[s]`` does not exceed the true ε of example s. It is **not** said
    that all S bounds hold at once (ask for ``alpha / S`` if that is needed). Their mean
    is a summary and no bound: a share `alpha` of its parts may be too high, and none
    makes up for it by being too low; `certified_mean_epsilon` is one. `worst` is one
    bound for the whole: it holds with probability ``1 - alpha`` for the largest ε of
    all examples, since `worst_example` looked least forgotten to the models that chose,
    not to those that bound it.
    """

    epsilon: Floats
    worst_example: int

    @property
    def mean(self) -> float:
        """Mean certified ε over the examples; a summary, no bound for the mean ε."""
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
    alpha: float = ALPHA,
    delta: float = DELTA,
) -> CertifiedEpsilon:
    """Bound every example's ε from below.

    A third of the models, drawn at random, chooses for each example the most promising
    of all single thresholds, of all intervals and complements of intervals, and of all
    thresholds on a Gaussian likelihood ratio. The others bound both error rates of that
    one attack at once (see `joint_bounds`), for both directions of
    (ε, δ)-unlearning.

    Perfect separation of N against N models certifies 3.00 for N = 64, 3.71 for 128,
    4.41 for 256 and 5.10 for 512. Clopper–Pearson bounds of each rate by itself would
    certify 2.41 at N = 64 from as many bounding models, and 2.82 from all 64 if the
    attack were known beforehand.

    ``scripts/simulate_certified.py certified`` shows that the bound exceeds known ε in
    at most 5 % and how near it comes.

    Parameters
    ----------
    unlearned : array_like, shape [N, S]
        Confidences of N >= 2 unlearned models on S examples.
    retrained : array_like, shape [M, S]
        Confidences of M >= 2 retrained models on the same examples.
    seed : int
        Decides which models choose. The order of the examples does not matter; models
        are taken to be exchangeable.
    alpha : float
        Probability with which each bound may fail.
    delta : float
        The δ of (ε, δ)-unlearning.

    Raises
    ------
    UsageError
        See `confidence.confidence_pair`; also for `alpha` or `delta`
        outside (0, 1) or [0, 1).

    References
    ----------
    Jagielski, Ullman and Oprea, "Auditing differentially private machine learning"
    (2020); Nasr et al., "Tight auditing of differentially private machine learning"
    (2023), for the choice of thresholds on separate models.
    """
    pair = confidence_pair(unlearned, retrained)
    return _certified(pair, seed, alpha, delta)


def _certified(
    pair: ConfidencePair, seed: int, alpha: float, delta: float
) -> CertifiedEpsilon:
    if not 0.0 <= delta < 1.0:
        raise UsageError(f"delta is {delta}; it must lie in [0, 1), usually 1e-5.")
    loss = partial(epsilon_from_errors, delta=delta)
    proven, promise = prove_loss(pair, loss, alpha, np.random.default_rng(seed))
    return CertifiedEpsilon(np.maximum(proven, 0.0), int(promise.argmax()))


def certified_mean_epsilon(
    unlearned: ArrayLike,
    retrained: ArrayLike,
    *,
    seed: int,
    alpha: float = ALPHA,
    delta: float = DELTA,
) -> float:
    """Bound the mean ε over the examples from below, however they move together.

    Every example is bounded at ``alpha m / S``, m being one more than a share of
    `GIVEN_UP` of the S examples. Then ``alpha m`` of the bounds are expected to fail,
    so that m or more fail with probability `alpha` at most (Markov's inequality, which
    asks nothing of how examples depend on each other). With ``1 - alpha`` fewer do, and
    counting the m - 1 largest bounds as 0 takes away at least what those few claim too
    much, for no ε is below 0. What is left, over S, is at most the mean ε.

    Parameters and errors are those of `certified_epsilon`; `alpha` is the probability
    with which the bound may fail.

    ``scripts/simulate_certified.py mean`` counts how often it exceeds a known mean.
    With 400 examples whose ε is 0, N = 64 and correlations of 0 and .45, it was above 0
    in none of 60 simulations each, the mean of the bounds in 95 and 92 %.
    """
    if not 0.0 < alpha < 1.0:
        raise UsageError(f"alpha is {alpha}; give a probability between 0 and 1.")
    pair = confidence_pair(unlearned, retrained)
    n_examples = pair.unlearned.shape[1]
    given_up = int(GIVEN_UP * n_examples)
    each = alpha * (given_up + 1) / n_examples
    bounds = np.sort(_certified(pair, seed, each, delta).epsilon)
    return float(bounds[: n_examples - given_up].sum() / n_examples)


def epsilon_from_errors(
    false_positive: Floats, false_negative: Floats, delta: float = DELTA
) -> Floats:
    """Return the smallest ε that allows an attack with these error rates in (0, 1].

    ``max(log((1 - δ - FPR) / FNR), log((1 - δ - FNR) / FPR))``, which is negative for
    an attack that is worse than guessing, and minus infinity where neither logarithm
    exists. Swapping the two rates changes nothing. Fed with upper bounds of the rates,
    it is a lower bound of ε.

    References
    ----------
    Kairouz, Oh and Viswanath, "The composition theorem for differential privacy"
    (2015), theorem 2.1.
    """
    with np.errstate(divide="ignore"):
        forward = np.log(np.maximum(1.0 - delta - false_positive, 0.0))
        backward = np.log(np.maximum(1.0 - delta - false_negative, 0.0))
    return np.asarray(
        np.maximum(forward - np.log(false_negative), backward - np.log(false_positive))
    )
