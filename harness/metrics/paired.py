"""Is A better than B? The paired difference of two results, and what it would take."""

from dataclasses import dataclass
from math import ceil, log10

import numpy as np
from scipy.stats import t as student

from harness.metrics.contender import Contender, Trio, contender, trio
from harness.metrics.epsilon import epsilon
from harness.metrics.interval import Unavailable, student_reach
from harness.metrics.paired_noise import PairedNoise, paired_noise
from harness.metrics.quality import forgetting_quality
from harness.metrics.quality_variance import NoiseParts
from harness.metrics.sample_size import NoiseTrend, models_to_separate
from harness.metrics.utility import score

__all__ = [
    "Contender",
    "PairedDifference",
    "contender",
    "models_needed",
    "paired_difference",
]

LEVEL = 0.05
"""Chance of calling equal methods different."""

MOST_MODELS = 100_000
"""Beyond this many models no number is named."""


@dataclass(frozen=True)
class PairedDifference:
    """The difference of two results on the same examples and the same bank.

    Attributes
    ----------
    quantity : str
        "F", or "score" when accuracies were given.
    first, second : float
        The quantity of A and of B.
    difference : float
        A minus B.
    low, high : float
        95 % interval over new models of all three sides, for these forget examples.
    p_value : float
        Two-sided, of no difference.
    n_models : int
        N of either side.
    models_needed : int or None
        About how many models would separate the two, were the difference what it
        seems; None when they are separable already, or when no realistic number would.
    """

    quantity: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p_value: float
    n_models: int
    models_needed: int | None

    @property
    def separable(self) -> bool:
        """Whether the difference is significant at 5 %."""
        return self.p_value < LEVEL

    def verdict(self, name_a: str, name_b: str) -> str:
        """Say in words which is better, or what it would take to know."""
        figures = (
            f"difference in {self.quantity} {abs(self.difference):.4f}, "
            f"95 % interval {self._interval()}"
        )
        if self.separable:
            ahead, behind = (
                (name_a, name_b) if self.difference > 0 else (name_b, name_a)
            )
            return f"{ahead} is better than {behind} ({figures})"
        if self.models_needed is None:
            remedy = "more models alone would not separate them"
        else:
            remedy = f"about N = {self.models_needed} would do"
        return f"not separable at N = {self.n_models} ({figures}); {remedy}"

    def _interval(self) -> str:
        """Return the interval in the direction in which the difference is positive."""
        ends = (
            (self.low, self.high) if self.difference >= 0 else (-self.high, -self.low)
        )
        return f"{ends[0]:.4f} to {ends[1]:.4f}"


def paired_difference(
    first: Contender, second: Contender, bank: Contender, *, seed: int
) -> PairedDifference:
    """Compare two results on the same examples against the same retrained models.

    The scatter is that of `harness.metrics.paired_noise`, with Student's t for as many
    degrees of freedom as the smallest side has models, less one. The forget examples
    are those of both results and stay fixed: the answer is for this forget set.

    Parameters
    ----------
    first, second : Contender
        A and B, of the same number of models, with accuracies or without.
    bank : Contender
        The retrained models both were compared with.
    seed : int
        Decides the divisions of the models.

    Raises
    ------
    UsageError
        Different numbers of models or examples, or accuracies of only some sides.
    """
    sides = trio(first, second, bank)
    ours, theirs = (_value(sides, side) for side in (first, second))
    noise = paired_noise(sides, np.random.default_rng(seed))
    reach = student_reach(sides.fewest - 1, 1 - LEVEL) * noise.spread
    p_value = _p_value(ours - theirs, noise.spread, sides.fewest - 1)
    return PairedDifference(
        quantity="F" if first.retain is None else "score",
        first=ours,
        second=theirs,
        difference=ours - theirs,
        low=ours - theirs - reach,
        high=ours - theirs + reach,
        p_value=p_value,
        n_models=sides.n_models,
        models_needed=None
        if p_value < LEVEL
        else models_needed(ours - theirs, noise, sides.fewest),
    )


def models_needed(difference: float, noise: PairedNoise, n_models: int) -> int | None:
    """Return about how many models would show a difference of this size.

    Parameters
    ----------
    difference : float
        Taken to stay what it is, although F itself depends on N.
    noise : PairedNoise
    n_models : int
        N, where the noise was found.

    Returns
    -------
    int or None
        More than N, and rounded up to two digits; None when no number of models would,
        because each example's own noise does not fall, or too slowly.
    """
    if difference == 0.0:
        return None
    half, full = noise
    ratio = min(max(full.own / half.own, 0.5), 1.0) if half.own > 0 else 1.0
    # `models_to_separate` doubles the variance, for two independent scorings.
    one = NoiseParts(full.own / 2, full.shared / 2, full.spread / 2)
    needed = models_to_separate(difference, NoiseTrend(n_models, one, ratio))
    if isinstance(needed, Unavailable) or needed > MOST_MODELS:
        return None
    needed = max(needed, n_models + 1)
    unit = int(10 ** max(0, int(log10(needed)) - 1))
    return ceil(needed / unit) * unit


def _value(sides: Trio, side: Contender) -> float:
    """Return F of one side, or its score where there are accuracies."""
    bank = sides.bank
    found = epsilon(side.confidences, bank.confidences).epsilon
    quality = forgetting_quality(found, sides.n_models)
    if side.retain is None or side.test is None:
        return quality
    if bank.retain is None or bank.test is None:
        raise AssertionError("trio() lets no such bank through")
    return score(quality, side.retain, bank.retain, side.test, bank.test)


def _p_value(difference: float, spread: float, degrees: int) -> float:
    """Return the two-sided p-value; without scatter any difference is certain."""
    if spread == 0.0:
        return 1.0 if difference == 0.0 else 0.0
    return float(2 * student.sf(abs(difference) / spread, degrees))
