"""Bounding a function of two error rates at once, better than one by one.

Let x errors of n and y of m be seen on models that had no part in the choice of the
attack, and let ``u = P(Bin(n, f) <= x)`` and ``v = P(Bin(m, g) <= y)`` for supposed
error rates f and g. If f and g are the true ones, u and v are independent and no
smaller than uniform numbers, so that (u, v) falls into a region of the unit square that
holds with every point all smaller ones with probability at most the region's area. The
rates whose (u, v) lie outside of a region of area `alpha` therefore hold the true ones
with probability ``1 - alpha``, and the least loss among them is a lower bound of the
true loss.

Bonferroni's region is an L, ``u <= alpha / 2 or v <= alpha / 2``: it bounds the rates
one by one, though both are seldom unlucky together. The regions here are staircases
below the line ``w u' + w' v' = c`` (Stouffer's combination; u' and v' the normal
quantiles of u and v), with the weights that suit the attack. On normal error rates that
is worth a factor ``1.96 (s + s') / (1.64 sqrt(s² + s'²))``, up to 1.7, in the loss of
tightness. Where no error of one kind is expected an L with unlike arms is better.

References
----------
Stouffer et al., "The American soldier" (1949), for the combination; Buehler,
"Confidence intervals for the product of two binomial parameters" (1957), for bounds of
functions of two rates.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from harness.metrics.attacks.clopper_pearson import upper_bounds
from harness.metrics.attacks.families import ErrorCounts
from harness.models.outputs import Floats

Loss = Callable[[Floats, Floats], Floats]
"""From false positive and false negative rates to the privacy loss they prove; it
never grows with either rate."""

STEPS = 16
"""Steps of a staircase; twice as many prove hardly more."""

ANGLES = (8, 24, 40, 50, 66, 82)
"""Weights of the false positives: the sine of these, in degrees."""

ARMS = (0.1, 0.5, 0.9)
"""Shares of alpha that an L gives to the false positives."""

REST = 0.02
"""Share of alpha left to either rate by itself, which ends a staircase."""

_NEARLY_ONE = 1.0 - 1e-9


@dataclass(frozen=True)
class Region:
    """Inner corners of a staircase in the unit square.

    Above the staircase, that is with probability ``1 - alpha``, the p-values of both
    true rates exceed those of some corner.
    """

    false_positive: tuple[float, ...]
    false_negative: tuple[float, ...]


@lru_cache(maxsize=256)
def _upper_bounds(alphas: tuple[float, ...], trials: int) -> Floats:
    """Return the Clopper–Pearson bound of each error count, ``[K, trials + 1]``."""
    table = np.stack([upper_bounds(trials, alpha) for alpha in alphas])
    table.flags.writeable = False
    return table


@lru_cache
def regions(alpha: float) -> tuple[Region, ...]:
    """Return the regions of area `alpha` that are tried."""
    bent = [_arms(alpha, share) for share in ARMS]
    return (*bent, *(_staircase(alpha, angle) for angle in ANGLES))


def _arms(alpha: float, share: float) -> Region:
    """Return the L whose false positives get this share of alpha."""
    first = share * alpha
    return Region((first,), ((alpha - first) / (1.0 - first),))


def _staircase(alpha: float, angle: float) -> Region:
    """Return the staircase below a straight line in normal quantiles."""
    low, high = -20.0, 20.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (
            (middle, high)
            if _area(*_steps(middle, alpha, angle)) > alpha
            else (low, middle)
        )
    across, down = _steps(high, alpha, angle)
    # An alpha of 1 would bound a rate by 0, whose logarithm is none.
    corners = np.minimum([across[:-1], down[1:]], _NEARLY_ONE)
    return Region(tuple(corners[0]), tuple(corners[1]))


def _steps(cut: float, alpha: float, angle: float) -> tuple[Floats, Floats]:
    """Return the outer corners of a staircase, from left to right, ``[K + 1]`` each."""
    along, up = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    farthest = -ndtri(REST * alpha)
    nearest = max((cut - up * farthest) / along, -farthest)
    places = np.linspace(farthest, nearest, STEPS)
    heights = ndtr(-np.minimum((cut - along * places) / up, farthest))
    heights[0] = 1.0
    heights = np.minimum.accumulate(heights)
    return np.append(ndtr(-places), 1.0), np.append(heights, REST * alpha)


def _area(across: Floats, down: Floats) -> float:
    """Return the area below a staircase."""
    return float((np.diff(across, prepend=0.0) * down).sum())


def prove(
    found: "ErrorRates", expected: "ErrorRates", loss: Loss, alpha: float
) -> Floats:
    """Return the loss that errors prove in the region that promised the most, ``[S]``.

    `found` are errors on models that played no part in choosing attack or region, and
    `expected` those on the models that chose the attack; they choose the region, too.
    """
    tried = regions(alpha)
    outlook = expected.scaled_to(found)
    promises = np.stack([outlook.prove(region, loss) for region in tried])
    best = promises.argmax(axis=0)
    proven = np.empty(len(best))
    for index in np.unique(best):
        chosen = best == index
        proven[chosen] = found.take(chosen).prove(tried[index], loss)
    return proven


class ErrorRates(NamedTuple):
    """Error counts of S attacks, and how many models could err either way."""

    counts: ErrorCounts
    retrained: int
    unlearned: int

    def take(self, chosen: NDArray[np.bool_]) -> "ErrorRates":
        """Return the chosen attacks alone."""
        counts = ErrorCounts(*(count[chosen] for count in self.counts))
        return self._replace(counts=counts)

    def scaled_to(self, other: "ErrorRates") -> "ErrorRates":
        """Return the counts to expect on as many models as `other` has."""
        sizes = (self.retrained, self.unlearned), (other.retrained, other.unlearned)
        counts = (
            np.rint((count + 0.5) / (size + 1) * wanted).astype(np.intp)
            for count, size, wanted in zip(self.counts, *sizes, strict=True)
        )
        return other._replace(counts=ErrorCounts(*counts))

    def prove(self, region: Region, loss: Loss) -> Floats:
        """Return the least loss among the rates that a region leaves open, ``[S]``."""
        false_positive = _upper_bounds(region.false_positive, self.retrained)
        false_negative = _upper_bounds(region.false_negative, self.unlearned)
        rates = (
            false_positive[:, self.counts.false_positives],
            false_negative[:, self.counts.false_negatives],
        )
        return np.asarray(loss(*rates).min(axis=0))
