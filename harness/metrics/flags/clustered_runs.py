"""Runs that gather around a few models, as if these were kept and drawn by seed."""

import numpy as np

from harness.metrics.flags.flag import Flag, FlagCode
from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.official.diagnosis import natural_scale
from harness.models.outputs import Floats

LEAST_MODELS = 16
"""Fewest runs in which copies can be told from chance."""

NEAR = 0.4
"""How near a run's nearest neighbour is, as a share of the usual distance between two
runs. It is 0.91 between retrained models, and no baseline of cifar10-quick falls below
0.53; copies that are moved by less than 0.3 of retraining's spread do."""


def clustered_runs_flag(pair: ConfidencePair) -> Flag | None:
    """Flag runs most of which have a near copy among the others."""
    if len(pair.unlearned) < LEAST_MODELS:
        return None
    scale = natural_scale(pair)
    ours, groups = nearness(pair.unlearned / scale)
    theirs, _ = nearness(pair.retrained / scale)
    if ours >= NEAR or theirs < 2 * NEAR:
        return None
    return Flag(
        FlagCode.CLUSTERED_RUNS,
        f"The {len(pair.unlearned)} runs gather around about {groups} models: a run's "
        f"nearest neighbour is {ours:.2f} of the usual distance away ({theirs:.2f} "
        "between retrained models), as if a few models had been kept.",
        {"nearness": ours, "retrained_nearness": theirs, "groups": groups},
    )


def nearness(models: Floats) -> tuple[float, int]:
    """Return the median distance to the nearest run over that to any, and the groups.

    Runs at less than `NEAR` of the usual distance are of one group. Runs that are all
    alike are no groups but one model, which other flags are about.
    """
    cloud = models - models.mean(axis=0)
    inner = cloud @ cloud.T
    lengths = inner.diagonal()
    square = np.maximum(lengths[:, None] + lengths - 2 * inner, 0.0)
    distance = np.sqrt(square)
    between = distance[np.triu_indices(len(models), 1)]
    # Half of the runs may have copies in half of all places: the middle would be 0.
    usual = float(np.sqrt(np.mean(between**2)))
    if usual <= 1e-9 * float(np.abs(models).max(initial=1.0)):
        return 1.0, 1
    np.fill_diagonal(distance, np.inf)
    near = distance < NEAR * usual
    return float(np.median(distance.min(axis=1))) / usual, _groups(near)


def _groups(near: np.ndarray) -> int:
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
