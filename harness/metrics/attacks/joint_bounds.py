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
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import betainccinv, ndtr, ndtri

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


class Region(NamedTuple):
    """Inner corners of a staircase in the unit square.

    Above the staircase, that is with probability ``1 - alpha``, the p-values of both
    true rates exceed those of some corner.
    """

    false_positive: tuple[float, ...]
    false_negative: tuple[float, ...]


def upper_bounds(trials: int, alpha: float) -> Floats:
    """Return the one-sided Clopper–Pearson bound of each error count, ``[trials + 1]``.

    Entry ``k`` is the rate ``p`` at which seeing ``k`` or fewer errors in `trials`
    independent tries has probability `alpha`; with 0 errors it is
    ``1 - alpha ** (1 / trials)``, with all of them wrong it is 1.

    References
    ----------
    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in
    the case of the binomial" (1934).
    """
    errors = np.arange(trials, dtype=np.float64)
    return np.append(betainccinv(errors + 1.0, trials - errors, alpha), 1.0)


@lru_cache(maxsize=256)
def _upper_bounds(alphas: tuple[float, ...], trials: int) -> Floats:
    table = np.stack([upper_bounds(trials, alpha) for alpha in alphas])
    table.flags.writeable = False
    return table


@lru_cache
def regions(alpha: float) -> tuple[Region, ...]:
    """Return the regions of area `alpha` that are tried."""
    arms = [share * alpha for share in ARMS]
    bent = [Region((arm,), ((alpha - arm) / (1.0 - arm),)) for arm in arms]
    return (*bent, *(_staircase(alpha, angle) for angle in ANGLES))


def _staircase(alpha: float, angle: float) -> Region:
    """Return the staircase below a straight line in normal quantiles."""
    low, high = -20.0, 20.0
    for _ in range(100):
        middle = (low + high) / 2
        across, down = _steps(middle, alpha, angle)
        if float((np.diff(across, prepend=0.0) * down).sum()) > alpha:
            low = middle
        else:
            high = middle
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


def prove(
    found: ErrorCounts, expected: ErrorCounts, loss: Loss, alpha: float
) -> Floats:
    """Return the loss that errors prove in the region that promised the most, ``[S]``.

    `found` are errors on models that played no part in choosing attack or region, and
    `expected` those on the models that chose the attack; they choose the region, too.
    """
    tried = regions(alpha)
    outlook = _on_as_many_models(expected, found)
    promises = np.stack([proven_in(region, outlook, loss) for region in tried])
    best = promises.argmax(axis=0)
    proven = np.empty(len(best))
    for index in np.unique(best):
        chosen = best == index
        proven[chosen] = proven_in(tried[index], found.take(chosen), loss)
    return proven


def _on_as_many_models(expected: ErrorCounts, found: ErrorCounts) -> ErrorCounts:
    """Return the counts to expect on as many models as were counted in `found`."""
    x = (expected.false_positives + 0.5) / (expected.retrained + 1) * found.retrained
    y = (expected.false_negatives + 0.5) / (expected.unlearned + 1) * found.unlearned
    return found._replace(
        false_positives=np.rint(x).astype(np.intp),
        false_negatives=np.rint(y).astype(np.intp),
    )


def proven_in(region: Region, errors: ErrorCounts, loss: Loss) -> Floats:
    """Return the least loss among the rates that a region leaves open, ``[S]``."""
    false_positive = _upper_bounds(region.false_positive, errors.retrained)
    false_negative = _upper_bounds(region.false_negative, errors.unlearned)
    rates = (
        false_positive[:, errors.false_positives],
        false_negative[:, errors.false_negatives],
    )
    return np.asarray(loss(*rates).min(axis=0))
