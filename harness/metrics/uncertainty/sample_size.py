"""How many models a scoring needs: F and its noise against N, from stored runs."""

import math
from dataclasses import dataclass

import numpy as np

from harness.errors import UsageError
from harness.metrics.inputs.confidence import forget_pair
from harness.metrics.uncertainty.interval import (
    DEFAULT_OPTIONS,
    LEVEL,
    IntervalOptions,
    Unavailable,
    agreement_interval,
    relative_interval,
    student_reach,
)
from harness.metrics.uncertainty.official_interval import LEAST_MODELS, intervals_of
from harness.metrics.uncertainty.quality_replicates import (
    Division,
    Replicates,
    replicate,
)
from harness.metrics.uncertainty.quality_variance import NoiseParts, noise_parts
from harness.metrics.uncertainty.scoring_noise import Scoring
from harness.models.outputs import ModelOutputs

_DIVISIONS = 16
_MOST_MODELS = 1 << 20
"""Above this many models, more of them are no answer."""


@dataclass(frozen=True)
class SampleSizeRow:
    """What a scoring with `n_models` models a side gives.

    `mean` is F for all models, else the mean over random subsets; `low` and `high` are
    the interval of one scoring of this size whose F is `mean`.
    """

    n_models: int
    mean: float
    low: float
    high: float


def sample_sizes(
    unlearned: ModelOutputs,
    retrained: ModelOutputs,
    whole: Scoring | None = None,
    *,
    seed: int,
    options: IntervalOptions = DEFAULT_OPTIONS,
) -> tuple[SampleSizeRow, ...] | Unavailable:
    """Return F and the width of its interval against the number of models.

    Sizes are N and its halves down to 8.  Subsets of half the models or fewer come in
    disjoint pairs, whose differences show the noise directly; halves and quarters are
    those that the interval of F is made of.  F is not comparable
    between sizes: what to read off is how fast the interval narrows.

    Parameters
    ----------
    unlearned, retrained : ModelOutputs
        N and M models on the same forget set.
    whole : Scoring, optional
        Of the same models, where it is at hand; saves most of the time.
    seed : int
        Of the random subsets.
    options : IntervalOptions, optional

    Returns
    -------
    tuple of SampleSizeRow or Unavailable
        Smallest size first; `Unavailable` below 16 models a side.

    Raises
    ------
    UsageError
        Outputs on different examples.
    """
    pair = forget_pair(unlearned, retrained)
    least = 2 * LEAST_MODELS
    if pair.fewest < least:
        return Unavailable(
            f"needs N ≥ {least} models on either side; there are {pair.fewest}"
        )
    if whole is None:
        whole = Scoring.of(pair, np.random.default_rng(seed), options.delta)
    shares = range(int(math.log2(pair.fewest // LEAST_MODELS)), 0, -1)
    at_hand = dict(zip((2, 4), whole.divisions, strict=False))
    some = pair.examples(whole.seen)
    rows = []
    for share in (1 << power for power in shares):
        found = at_hand.get(share)
        if found is None:
            rng = np.random.default_rng([seed, share])
            division = Division(share, _DIVISIONS)
            found = replicate(some, division, rng, delta=options.delta)
        rows.append(_subset_row(found, whole, options))
    return *rows, _full_row(whole, options)


def _subset_row(
    found: Replicates, whole: Scoring, options: IntervalOptions
) -> SampleSizeRow:
    """Return the row of random subsets of the models.

    Where only some of the examples were looked at, their mean is scaled by what all
    examples earn with all models over what these earn.
    """
    size, seen = found.unlearned.shape[2], whole.points[whole.seen].mean()
    points = found.points(size)
    if seen > 0:
        points *= whole.points.mean() / seen
    noise = noise_parts(points, np.ones(points.shape[:2]))
    noise = noise.with_examples(points.shape[2], whole.points.size)
    mean = float(points.mean())
    variance = noise.variance("fixed")
    if mean == 0 or variance == 0:
        ends = agreement_interval(mean, whole.points.size, options.level)
        return SampleSizeRow(size, mean, ends.low, ends.high)
    half = student_reach(size - 1, options.level) * math.sqrt(variance) / mean
    ends = relative_interval(mean, half, options.level)
    return SampleSizeRow(size, mean, ends.low, min(ends.high, 1.0))


def _full_row(whole: Scoring, options: IntervalOptions) -> SampleSizeRow:
    """Return the row of all the models."""
    ends = intervals_of(whole, options=options).forgetting_quality
    if isinstance(ends, Unavailable):
        raise AssertionError(ends.reason)
    quality = float(whole.points.mean())
    return SampleSizeRow(whole.n_models, quality, ends.low, ends.high)


@dataclass(frozen=True)
class NoiseTrend:
    """How the variance of F changes with the number of models, from that at `n_models`.

    Doubling the models makes each example's own noise `own_ratio` of itself, 0.5 to 1;
    `between`, that of drawing other examples, no number of models changes.
    """

    n_models: int
    noise: NoiseParts
    own_ratio: float
    between: float = 0.0

    def variance(self, n_models: int) -> float:
        """Return the variance of F expected at another number of models."""
        doublings = math.log2(n_models / self.n_models)
        own = self.noise.own * math.pow(self.own_ratio, doublings)
        shared = self.noise.shared * self.n_models / n_models
        return own + shared + self.between


def models_to_separate(
    difference: float, trend: NoiseTrend, *, level: float = LEVEL
) -> int | Unavailable:
    """Return about how many models two scorings need to show that they differ.

    Taken are two scorings with the same noise, each with its own seeds, and a
    difference of F that stays what it is.  Both are rough: read it as a magnitude.
    `Unavailable` where the noise of single examples alone hides the difference.
    """
    if not (math.isfinite(difference) and difference != 0):
        raise UsageError(f"difference is {difference}; give a number other than 0.")
    for step in range(8 * int(math.log2(_MOST_MODELS)) + 1):
        n_models = max(LEAST_MODELS, round(2 ** (step / 8)))
        reach = student_reach(n_models - 1, level)
        if reach * math.sqrt(2 * trend.variance(n_models)) <= abs(difference):
            return n_models
    return Unavailable(
        f"more models alone would not separate a difference of {abs(difference):.2g}; "
        "a larger forget set would"
    )
