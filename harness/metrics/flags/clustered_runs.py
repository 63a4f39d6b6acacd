"""Runs that have near copies, as if a few models were kept and drawn by the seed."""

import numpy as np
from numpy.typing import NDArray

from harness.metrics.flags.flag import Flag, FlagCode
from harness.metrics.flags.removable_noise import MOST
from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.official.diagnosis import natural_scale
from harness.models.outputs import Floats

LEAST_MODELS = 16
"""Fewest runs in which copies can be told from chance."""

NEAR = 0.4
"""How near a run's nearest neighbour is, as a share of the usual distance between two
runs. It is 0.91 between retrained models, and no baseline of cifar10-quick falls below
0.53; copies that are moved by less than 0.3 of retraining's spread do."""

SAME = 1e-6
"""Distance, in spreads of retraining, below which runs are one and the same model."""


def clustered_runs_flag(pair: ConfidencePair) -> Flag | None:
    """Flag runs most of which have a near copy among the others.

    Give calibrated confidences where there are some: a factor of its own for each run
    would hide that they are copies.
    """
    if len(pair.unlearned) < LEAST_MODELS:
        return None
    scale = natural_scale(pair)
    ours, groups = nearness(pair.unlearned, scale)
    theirs, _ = nearness(pair.retrained, scale)
    if ours >= NEAR or theirs < 1.5 * NEAR:
        return None
    return Flag(
        FlagCode.CLUSTERED_RUNS,
        f"Most of the {len(pair.unlearned)} runs have a near copy among the others: "
        f"the nearest run is {ours:.2f} of the usual distance away ({theirs:.2f} "
        "between retrained models), as if a few models had been kept, or one number "
        "moved all.",
        {"nearness": ours, "retrained_nearness": theirs, "groups": groups},
    )


def nearness(models: Floats, scale: Floats) -> tuple[float, int]:
    """Return the median distance to the nearest run over that to any, and the groups.

    Runs at less than `NEAR` of the usual distance are of one group. Runs that are all
    alike are no groups but one model, which other flags are about.
    """
    distance = _distances(models, scale)
    # The mean of squares: of half the runs and their copies the median would be 0.
    usual = float(np.sqrt((distance**2).mean() * len(models) / (len(models) - 1)))
    if usual <= SAME:
        return 1.0, 1
    np.fill_diagonal(distance, np.inf)
    nearest = float(np.median(distance.min(axis=1))) / usual
    return nearest, _groups(distance < NEAR * usual)


def _distances(models: Floats, scale: Floats) -> Floats:
    """Return how far the runs are from each other, ``[N, N]``."""
    # A single confidence that is far out must not decide it.
    cloud = np.clip((models - np.median(models, axis=0)) / scale, -MOST, MOST)
    inner = cloud @ cloud.T
    square = inner.diagonal()[:, None] + inner.diagonal() - 2 * inner
    return np.asarray(np.sqrt(np.maximum(square, 0.0)))


def _groups(near: NDArray[np.bool_]) -> int:
    """Count what hangs together."""
    waiting, found = set(range(len(near))), 0
    while waiting:
        found += 1
        reached = {waiting.pop()}
        while reached:
            next_ones = set(np.flatnonzero(near[reached.pop()]).tolist()) & waiting
            waiting -= next_ones
            reached |= next_ones
    return found
