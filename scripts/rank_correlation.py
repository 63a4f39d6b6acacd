"""Kendall's tau-b with what is needed to judge it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from harness.leaderboard.agreement import kendall_tau

DRAWS = 2000

Floats = NDArray[np.float64]


class Spread(NamedTuple):
    """The middle 95 % of drawn correlations."""

    low: float
    high: float


def tau(first: Floats, second: Floats) -> float:
    """Return Kendall's tau-b of two rankings ``[n]``; NaN where one is all ties."""
    found = kendall_tau(first.tolist(), second.tolist())
    return float("nan") if found is None else found


def chance(first: Floats, second: Floats) -> float:
    """Return the probability of so large a tau for a random order, one-sided.

    Exact where there are no ties: the share of all orders.
    """
    return float(kendalltau(first, second, alternative="greater").pvalue)


def drawn_weights(items: int, *, seed: int) -> Floats:
    """Return how often each item is drawn, with replacement, ``[DRAWS, items]``."""
    rng = np.random.default_rng(seed)
    even = np.full(items, 1 / items)
    return rng.multinomial(items, even, size=DRAWS).astype(np.float64)


def spread_of_taus(first: Floats, second: Floats, weights: Floats) -> Spread:
    """Return the middle 95 % of tau over many draws; see `weighted_taus`."""
    found = weighted_taus(first, second, weights)
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return Spread(float(low), float(high))


def weighted_taus(first: Floats, second: Floats, weights: Floats) -> Floats:
    """Return tau-b of many draws of items at once.

    An item that is drawn twice is tied with itself in both rankings, and tau-b leaves
    such pairs out: so a pair of items counts as often as both were drawn together.

    Parameters
    ----------
    first, second : ndarray, shape [n] or [D, n]
        The rankings, the same for all draws or one for each.
    weights : ndarray, shape [n] or [D, n]
        How often each item is in a draw.

    Returns
    -------
    ndarray, shape [D]
        NaN for a draw with nothing but ties.
    """
    one, other = _order(first), _order(second)
    agreeing = _pairs(one * other, weights)
    untied = _pairs(one * one, weights) * _pairs(other * other, weights)
    nothing = np.full_like(untied, np.nan)
    return np.divide(agreeing, np.sqrt(untied), out=nothing, where=untied > 0)


def _order(values: Floats) -> Floats:
    """Return +1, 0 or -1 for each pair of items, ``[D, n, n]``."""
    rows = np.atleast_2d(values)
    return np.sign(rows[:, :, None] - rows[:, None, :])


def _pairs(order: Floats, weights: Floats) -> Floats:
    """Sum over all pairs of items, ``[D]``."""
    rows = np.atleast_2d(weights)
    return np.asarray(((order @ rows[:, :, None])[:, :, 0] * rows).sum(axis=1))
