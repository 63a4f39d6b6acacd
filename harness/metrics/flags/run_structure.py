"""Structure in the N runs that one random seed after another would not make.

A submission is run N times with nothing but the seed changed, so its runs should be
draws from one cloud. Outlier runs widen the range that the official attacks are built
on, and a mixture of two methods hides behind an average of both.
"""

import numpy as np

from harness.metrics.flags.flag import Flag, FlagCode
from harness.metrics.flags.principal import principal_axis
from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.official.diagnosis import natural_scale
from harness.metrics.uncertainty.outlier_runs import (
    LEAST_MODELS,
    LEAST_OUTLIERS,
    distance_from_middle,
    outlier_runs,
)
from harness.models.outputs import Floats

SPLIT_SHARE = 0.9
"""Share of the variance that two groups must explain. Runs in one normal cloud leave
0.64 for large N, and at N = 16 exceed 0.9 once in a thousand times; two groups of half
each that are six standard deviations apart reach it."""

LEAST_GROUP = 0.1
"""Smallest group, as a share of the runs; smaller ones are outliers."""


def outlier_runs_flag(pair: ConfidencePair) -> Flag | None:
    """Flag runs that lie far outside the cloud of the others.

    Retraining has odd runs, too: there must be more than three times as many as among
    the retrained models, and at least `LEAST_OUTLIERS`, more.
    """
    if len(pair.unlearned) < LEAST_MODELS:
        return None
    scale = natural_scale(pair)
    ours, theirs = (outlier_runs(group, scale) for group in pair)
    if ours < LEAST_OUTLIERS + 3 * theirs:
        return None
    runs = len(pair.unlearned)
    return Flag(
        FlagCode.OUTLIER_RUNS,
        f"{ours} of {runs} runs lie far outside the cloud of the others "
        f"({theirs} of {len(pair.retrained)} retrained models do); a few extreme runs "
        "widen the range on which the official attacks are built.",
        {"outlier_runs": ours, "runs": runs, "retrained_outliers": theirs},
    )


def mixed_runs_flag(pair: ConfidencePair) -> Flag | None:
    """Flag runs that fall into two groups, as if by two methods.

    Two views of the runs are tried, the direction in which they differ most and their
    distance from the middle. Two groups there must explain `SPLIT_SHARE` of the
    variance, and must not do so for the retrained models.
    """
    runs = len(pair.unlearned)
    if runs < LEAST_MODELS:
        return None
    scale = natural_scale(pair)
    for view in (_principal_score, distance_from_middle):
        ours, smaller = two_group_share(view(pair.unlearned, scale))
        theirs, _ = two_group_share(view(pair.retrained, scale))
        if ours >= SPLIT_SHARE > theirs:
            evidence = {"smaller_group": smaller, "runs": runs, "explained": ours}
            return Flag(
                FlagCode.MIXED_RUNS,
                f"The runs fall into two groups of {smaller} and {runs - smaller}, "
                f"which explain {ours:.0%} of their variance ({theirs:.0%} for the "
                "retrained models), as if by two methods.",
                {**evidence, "retrained_explained": theirs},
            )
    return None


def two_group_share(values: Floats) -> tuple[float, int]:
    """Split numbers at the best point; return what that explains and the smaller group.

    What it explains is the between-group over the total sum of squares, of groups that
    hold at least `LEAST_GROUP` of the values; 0 when nothing varies.
    """
    ordered = np.sort(values) - values.mean()
    count, total = len(ordered), float((ordered**2).sum())
    left = np.arange(1, count)
    left = left[np.minimum(left, count - left) >= LEAST_GROUP * count]
    if total <= 0.0 or left.size == 0:
        return 0.0, 0
    # Around the mean the two group sums are each other's negative.
    sums = ordered.cumsum()[left - 1]
    between = sums**2 / left + sums**2 / (count - left)
    best = int(between.argmax())
    smaller = int(min(left[best], count - left[best]))
    return float(between[best] / total), smaller


def _principal_score(models: Floats, scale: Floats) -> Floats:
    """Return each run's place on the first principal axis of all runs, ``[N]``."""
    cloud = (models - models.mean(axis=0)) / scale
    places, square = principal_axis(cloud)
    return np.asarray(places * np.sqrt(square))
