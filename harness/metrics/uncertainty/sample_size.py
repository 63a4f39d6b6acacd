"""How many models a scoring needs: F and its noise against N, from stored runs."""

import math
from dataclasses import dataclass

import numpy as np

from harness.metrics.inputs.confidence import forget_pair
from harness.metrics.official.epsilon import DELTA
from harness.metrics.uncertainty.interval import (
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
from harness.metrics.uncertainty.quality_variance import noise_parts
from harness.metrics.uncertainty.scoring_noise import Scoring
from harness.models.outputs import ModelOutputs

_DIVISIONS = 16


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
    shares = range(int(math.log2(pair.fewest // LEAST_MODELS)), 0, -1)
    at_hand = dict(zip((2, 4), whole.divisions, strict=False))
    some = pair.examples(whole.seen)
    rows = []
    for share in (1 << power for power in shares):
        found = at_hand.get(share)
        if found is None:
            rng = np.random.default_rng([seed, share])
            division = Division(share, _DIVISIONS)
            found = replicate(some, division, rng, delta=delta)
        rows.append(_subset_row(found, whole))
    ends = intervals_of(whole).forgetting_quality
    if isinstance(ends, Unavailable):
        raise AssertionError(ends.reason)
    quality = float(whole.points.mean())
    return *rows, SampleSizeRow(whole.n_models, quality, ends.low, ends.high)


def _subset_row(found: Replicates, whole: Scoring) -> SampleSizeRow:
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
        ends = agreement_interval(mean, whole.points.size)
        return SampleSizeRow(size, mean, ends.low, ends.high)
    half = student_reach(size - 1) * math.sqrt(variance) / mean
    ends = relative_interval(mean, half)
    return SampleSizeRow(size, mean, ends.low, min(ends.high, 1.0))
