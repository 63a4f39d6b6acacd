"""The official attacks against exhaustive ones that were chosen on other models.

The official ε is the best of many attacks on the very models it was chosen on, so an
honest result loses nothing when an attack is added that was chosen on one half of the
models and counted on the other. When it does lose, the official attack families cannot
see what another attack sees plainly.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.metrics.attacks.bounded_errors import (
    chosen_attacks,
    count_chosen_errors,
    strongest,
)
from harness.metrics.attacks.certified import epsilon_from_errors
from harness.metrics.flags.flag import Flag, FlagCode
from harness.metrics.inputs.confidence import ConfidencePair, split_pair
from harness.metrics.official.quality import forgetting_quality
from harness.models.outputs import Floats

_Folds = tuple[tuple[ConfidencePair, ConfidencePair], ...]
"""Pairs that choose, each with one that measures and shares no model with it."""

LEAST_MODELS = 16
"""Fewest models a side; below this, half of them choose badly."""

LEAST_EXAMPLES = 20
"""Fewest examples; F over fewer moves too much with each of them."""

LEAST_SHARE = 0.25
"""Share of F that the added attacks must take away. Simulated honest results lose at
most 0.14 in any split, the known cheats at N = 64 about 0.45 and 0.93 in the best."""

LEAST_LOSS = 0.01
"""F that must be lost; below this nobody gains anything by it."""

SPLITS = 8
"""Splits in halves, of which the one that loses most counts: when a few outlier runs
all fall into one half, the other cannot learn from them."""

MOST_EXAMPLES = 1000
"""Examples looked at; with more on file a random choice of them."""

_CUTS = 60
"""Quantiles at which shared regions may begin and end."""

_LEAST_MASS = 0.1
_LEAST_COUNT = 6
"""A shared region must hold this share of one group, and this many models."""


def attack_gap_flag(
    pair: ConfidencePair, official: Floats, *, seed: int
) -> Flag | None:
    """Flag a result whose F falls when attacks are added to the `official` ε, ``[S]``.

    The seed decides the halves of the cross-fit.
    """
    n_models = len(pair.unlearned)
    if pair.fewest < LEAST_MODELS or len(official) < LEAST_EXAMPLES:
        return None
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(official))[:MOST_EXAMPLES])
    seen = pair.examples(chosen)
    before = forgetting_quality(official[chosen], n_models)
    after, share = min(
        _with_attacks(seen, official[chosen], rng) for _ in range(SPLITS)
    )
    lost = before - after
    if lost < LEAST_LOSS or lost < LEAST_SHARE * before:
        return None
    return Flag(
        FlagCode.ATTACK_GAP,
        f"Attacks chosen on other models beat the official ones on {share:.0%} of the "
        f"examples; with them F would be {after:.3f} instead of {before:.3f}.",
        {"official_f": before, "cross_fitted_f": after, "share_of_examples": share},
    )


def _with_attacks(
    pair: ConfidencePair, official: Floats, rng: np.random.Generator
) -> tuple[float, float]:
    """Return F with the attacks of one split added, and how often they were better."""
    found = cross_fitted_epsilon(pair, rng)
    with_them = np.maximum(official, found)
    quality = forgetting_quality(with_them, len(pair.unlearned))
    return quality, float((found > official).mean())


def cross_fitted_epsilon(pair: ConfidencePair, rng: np.random.Generator) -> Floats:
    """Estimate each example's ε by attacks chosen on one half, counted on the other.

    Both halves take both roles, and the errors are added up. Two attacks are tried: the
    example's own most promising one (threshold, interval, complement of an interval or
    Gaussian likelihood ratio, searched exhaustively), and one region shared by all
    examples, which finds with many examples what one alone is too noisy for. The
    counts of the one are smoothed by Laplace's rule (one more of each), those of the
    other by half a model, so that no ε is infinite. The larger of the two estimates
    counts, and 0 at least.
    """
    first, second = split_pair(pair, rng)
    folds = (first, second), (second, first)
    own = _own_attack(folds, len(pair.unlearned), len(pair.retrained))
    return np.maximum(np.maximum(own, _shared_region(folds)), 0.0)


def _own_attack(folds: _Folds, n: int, m: int) -> Floats:
    """Return ε of each example's own cross-fitted attack, ``[S]``."""
    positives = negatives = np.zeros(folds[0][0].unlearned.shape[1], dtype=np.intp)
    for choosing, measuring in folds:
        attacks = chosen_attacks(choosing, epsilon_from_errors)
        errors = count_chosen_errors(attacks, strongest(attacks), measuring)
        positives = positives + errors.false_positives
        negatives = negatives + errors.false_negatives
    return epsilon_from_errors((positives + 1) / (m + 2), (negatives + 1) / (n + 2))


def _shared_region(folds: _Folds) -> Floats:
    """Return ε of each example on the region chosen for all of them, ``[S]``."""
    rich = poor = np.zeros(folds[0][0].unlearned.shape[1], dtype=np.intp)
    for choosing, measuring in folds:
        region = _SharedRegion.on(choosing)
        unlearned, retrained = region.inside(measuring)
        rich = rich + (unlearned if region.unlearned_rich else retrained)
        poor = poor + (retrained if region.unlearned_rich else unlearned)
    return np.asarray(np.log(rich + 0.5) - np.log(poor + 0.5))


class _SharedRegion(NamedTuple):
    """An interval of standardised confidence that holds much more of one group.

    Standardised means relative to the median and the median absolute deviation of the
    example's retrained confidences, with its sign or, in a ring around the middle,
    without.
    """

    centre: Floats
    scale: Floats
    ring: bool
    low: float
    high: float
    unlearned_rich: bool

    @classmethod
    def on(cls, pair: ConfidencePair) -> "_SharedRegion":
        centre = np.median(pair.retrained, axis=0)
        scale = np.median(np.abs(pair.retrained - centre), axis=0)
        scale = np.where(scale > 0.0, scale, 1.0)
        signed = [(group - centre) / scale for group in pair]
        interval = _richest(signed, pair.fewest)
        around = _richest([np.abs(group) for group in signed], pair.fewest)
        ring = around[0] > interval[0]
        _, low, high, unlearned_rich = around if ring else interval
        return cls(centre, scale, ring, low, high, unlearned_rich)

    def inside(self, pair: ConfidencePair) -> list[NDArray[np.intp]]:
        """Return how many unlearned and retrained models fall inside, ``[S]`` each."""
        places = [(group - self.centre) / self.scale for group in pair]
        if self.ring:
            places = [np.abs(place) for place in places]
        inside = [(place >= self.low) & (place < self.high) for place in places]
        return [each.sum(axis=0) for each in inside]


def _richest(groups: list[Floats], models: int) -> tuple[float, float, float, bool]:
    """Search all intervals between quantiles for the largest ratio of shares.

    Return how strongly the best tells the groups apart, its ends, and whether it is
    the unlearned models that it is rich in.
    """
    cuts = _cuts(np.concatenate(groups))
    unlearned, retrained = (_share_between(group, cuts) for group in groups)
    mass = max(_LEAST_MASS, _LEAST_COUNT / (2 * models))
    ratio = np.log(unlearned + 0.5 / models) - np.log(retrained + 0.5 / models)
    strength = np.where(np.maximum(unlearned, retrained) >= mass, np.abs(ratio), -1.0)
    best = np.unravel_index(strength.argmax(), strength.shape)
    low, high = float(cuts[best[0]]), float(cuts[best[1]])
    return float(strength[best]), low, high, bool(ratio[best] > 0.0)


def _cuts(values: Floats) -> Floats:
    """Return quantiles of all values, from minus to plus infinity."""
    inner = np.unique(np.quantile(values, np.linspace(0, 1, _CUTS + 1)[1:-1]))
    return np.concatenate([[-np.inf], inner, [np.inf]])


def _share_between(values: Floats, cuts: Floats) -> Floats:
    """Return the share of `values` from cut i up to cut j in entry ``[i, j]``."""
    bins = cuts.searchsorted(values.ravel(), side="right") - 1
    below = np.append(0, np.bincount(bins, minlength=len(cuts) - 1).cumsum())
    return np.asarray(np.maximum(below[None, :] - below[:, None], 0) / values.size)
