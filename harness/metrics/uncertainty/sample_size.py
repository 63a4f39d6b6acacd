"""How many models a scoring needs: F and its noise against N, from stored runs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.metrics.inputs.confidence import ConfidencePair, forget_pair
from harness.metrics.official.epsilon import DELTA
from harness.metrics.uncertainty.interval import (
    Unavailable,
    agreement_interval,
    relative_interval,
    student_reach,
)
from harness.metrics.uncertainty.official_interval import LEAST_MODELS, intervals_of
from harness.metrics.uncertainty.originals import OriginalsNoise, stacked
from harness.metrics.uncertainty.quality_replicates import (
    Division,
    Replicates,
    replicate,
)
from harness.metrics.uncertainty.quality_variance import noise_parts
from harness.metrics.uncertainty.scoring_noise import Scoring
from harness.models.outputs import Floats, ModelOutputs

_DIVISIONS, _FEWEST_DIVISIONS = 16, 4


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
    delta: float = DELTA,
) -> tuple[SampleSizeRow, ...] | Unavailable:
    """Return F and the width of its interval against the number of models.

    Sizes are N and its halves down to 8, the smallest first.  Subsets of half the
    models or fewer come in disjoint pairs, whose differences show the noise directly;
    halves and quarters are those that the interval of F is made of, taken from the
    `whole` scoring of the same models where it is at hand.  F is not comparable between
    sizes: what to read off is how fast the interval narrows.
    """
    pair = forget_pair(unlearned, retrained)
    if reason := pair.lacks(2 * LEAST_MODELS):
        return Unavailable(reason)
    if whole is None:
        whole = Scoring.of(pair, np.random.default_rng(seed), delta)
    rows = [
        _subset_row([replicates], [whole])
        for replicates in _subsets(pair, whole, _DIVISIONS, seed=seed, delta=delta)
    ]
    ends = intervals_of(whole).forgetting_quality
    if isinstance(ends, Unavailable):
        raise AssertionError(ends.reason)
    quality = float(whole.points.mean())
    return *rows, SampleSizeRow(whole.n_models, quality, ends.low, ends.high)


def sample_sizes_of_originals(
    scored: Sequence[tuple[ConfidencePair, Scoring]],
    last: SampleSizeRow,
    *,
    seed: int,
    delta: float = DELTA,
) -> tuple[SampleSizeRow, ...] | Unavailable:
    """Return the same of the mean over K >= 2 originals, N models of each.

    By how much originals truly differ is taken to be the same share of F at every N.
    """
    pairs, wholes = zip(*scored, strict=True)
    if reason := pairs[0].lacks(2 * LEAST_MODELS):
        return Unavailable(reason)
    times = max(_DIVISIONS // len(pairs), _FEWEST_DIVISIONS)
    sizes = zip(
        *(
            _subsets(pair, whole, times, seed=seed, delta=delta)
            for pair, whole in scored
        ),
        strict=True,
    )
    fewest = min(whole.n_fewest for whole in wholes)
    earned = stacked([whole.earned() for whole in wholes])
    outliers = any(whole.outliers for whole in wholes)
    noise = OriginalsNoise.of(*earned, fewest, outliers=outliers)
    rows = [_subset_row(found, wholes, noise) for found in sizes]
    return *rows, last


def _subsets(
    pair: ConfidencePair, whole: Scoring, times: int, *, seed: int, delta: float
) -> Iterator[Replicates]:
    """Yield pairs of disjoint subsets of the models, the smallest first."""
    shares = range(int(math.log2(pair.fewest // LEAST_MODELS)), 0, -1)
    at_hand = dict(zip((2, 4), whole.divisions, strict=False))
    some = pair.examples(whole.seen)
    for share in (1 << power for power in shares):
        found = at_hand.get(share)
        if found is None:
            rng = np.random.default_rng([seed, share])
            found = replicate(some, Division(share, times), rng, delta=delta)
        yield found


def _subset_row(
    found: Sequence[Replicates],
    wholes: Sequence[Scoring],
    noise_of_all: OriginalsNoise | None = None,
) -> SampleSizeRow:
    """Return the row of random subsets of the models, of one original or of several."""
    size = found[0].unlearned.shape[2]
    each = [_points(*both) for both in zip(found, wholes, strict=True)]
    points = np.mean(each, axis=0)
    noise = noise_parts(points, np.ones(points.shape[:2]))
    noise = noise.with_examples(points.shape[2], wholes[0].points.size)
    mean, variance = float(points.mean()), noise.variance("fixed")
    if mean == 0 or variance == 0:
        ends = agreement_interval(mean, wholes[0].points.size)
        return SampleSizeRow(size, mean, ends.low, ends.high)
    degrees = size - 1.0
    if noise_of_all is not None:
        whole = float(np.mean([scoring.points.mean() for scoring in wholes]))
        share = mean / whole if whole else 0.0
        variance += share**2 * noise_of_all.excess
        degrees = noise_of_all.scaled(share).degrees(variance, degrees)
    half = student_reach(degrees) * math.sqrt(variance) / mean
    ends = relative_interval(mean, half)
    return SampleSizeRow(size, mean, ends.low, min(ends.high, 1.0))


def _points(found: Replicates, whole: Scoring) -> Floats:
    """Return the points ``[L, 2, s]`` of subsets.

    Where only some of the examples were looked at, they are scaled by what all examples
    earn with all models over what these earn.
    """
    points, seen = found.points(found.unlearned.shape[2]), whole.points[whole.seen]
    if seen.mean() > 0:
        points *= whole.points.mean() / seen.mean()
    return points
