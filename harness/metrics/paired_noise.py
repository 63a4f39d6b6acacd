"""How much the difference of two results would move if all models were drawn afresh.

Two disjoint halves of A's, of B's and of the bank's models are two independent
comparisons of half the size, whatever the distribution. Both methods meet the *same*
half of the bank, so that what the bank does to both cancels. Squared differences
between the two, at N / 2 and N / 4, give the variance of the difference at N, as they
do for F itself; `harness.metrics.official_interval` says why there is no bootstrap.

The plain scatter of half samples was tried first, and called equal methods different
in up to 11 % of simulated cases. This one covered 95 to 98 % and called equal methods
different in 1 to 5 % (Gaussian and heavy-tailed confidences, N = 32 and 64, 100
benchmarks each); ``scripts/simulate_certified.py paired`` repeats it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.metrics.contender import Contender, Trio
from harness.metrics.epsilon import DELTA, epsilon
from harness.metrics.official_interval import HALVINGS, MOST_EXAMPLES, QUARTERINGS
from harness.metrics.quality import points
from harness.metrics.quality_replicates import Division, replicate
from harness.metrics.quality_variance import (
    NoiseParts,
    extrapolate,
    noise_parts,
    spread_of,
)


class PairedNoise(NamedTuple):
    """Variance of the difference.

    Attributes
    ----------
    half, full : NoiseParts
        At half the models and at all of them.
    """

    half: NoiseParts
    full: NoiseParts

    @property
    def spread(self) -> float:
        """Return the standard deviation of the difference at all the models."""
        return float(np.sqrt(self.full.own + self.full.shared))


def paired_noise(sides: Trio, rng: np.random.Generator) -> PairedNoise:
    """Return the variance of the difference between A and B.

    Parameters
    ----------
    sides : Trio
        Of at least 4 models each; below 8 there are no quarters, and the halves speak
        for them.
    rng : numpy.random.Generator
        Decides the divisions, and which examples are looked at where there are many.
    """
    examples = sides.first.confidences.shape[1]
    chosen = rng.permutation(examples)[:MOST_EXAMPLES]
    divisions = (Division(2, HALVINGS), Division(4, QUARTERINGS))
    parts = [
        _noise_between(sides, chosen, division, rng)
        for division in divisions
        if sides.fewest >= 2 * division.share
    ]
    apart = _whole(sides, chosen)
    seen = extrapolate(parts[0], parts[-1], spread_of(apart))
    half, full = (
        part.with_examples(len(chosen), examples) for part in (parts[0], seen)
    )
    return PairedNoise(half, full)


def _noise_between(
    sides: Trio,
    chosen: NDArray[np.intp],
    division: Division,
    rng: np.random.Generator,
) -> NoiseParts:
    """Return the variance between disjoint subsets of the models."""
    found = replicate(sides.side_by_side(chosen), division, rng, delta=DELTA)
    apart = _apart(sides, found.epsilon, found.unlearned, found.retrained)
    return noise_parts(apart, np.ones(apart.shape[:2]))


def _whole(sides: Trio, chosen: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return what each example adds to the difference of all the models, ``[S]``."""
    found = epsilon(*sides.side_by_side(chosen)).epsilon
    models = np.arange(sides.n_models), np.arange(len(sides.bank.confidences))
    one = (None, None)
    apart = _apart(sides, found[one], models[0][one], models[1][one])
    return np.asarray(apart[0, 0])


def _apart(
    sides: Trio,
    found: NDArray[np.float64],
    unlearned: NDArray[np.intp],
    retrained: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Return what each example adds to the difference, ``[L, K, S]``.

    Points are those for all N models even on a half, else the halves would be scored
    by another rule; each side's are multiplied by the utility of the same models.

    Parameters
    ----------
    sides : Trio
    found : ndarray, shape [L, K, 2 S]
        Epsilon of A's and then of B's examples in L times K subsets.
    unlearned, retrained : ndarray of int, shape [L, K, n] and [L, K, m]
        The models of each subset.
    """
    earned = points(found.ravel(), sides.n_models).reshape(found.shape)
    first, second = (
        each * _utility(side, sides.bank, unlearned, retrained)[:, :, None]
        for side, each in zip(sides[:2], np.split(earned, 2, axis=2), strict=True)
    )
    return np.asarray(first - second)


def _utility(
    side: Contender,
    bank: Contender,
    unlearned: NDArray[np.intp],
    retrained: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Return ``(RA_U / RA_R) (TA_U / TA_R)`` of each subset, 1 without accuracies."""
    factor = np.ones(unlearned.shape[:2])
    for ours, theirs in ((side.retain, bank.retain), (side.test, bank.test)):
        if ours is not None and theirs is not None:
            factor *= ours[unlearned].mean(axis=2) / theirs[retrained].mean(axis=2)
    return factor
