"""Single-threshold attacks: call an example positive from some confidence up."""

import numpy as np

from harness.metrics.official.epsilon._sample import MergedSample, Roles, odds
from harness.models.outputs import Floats

STEPS_PER_LOGIT = 100
"""Thresholds of the official metric in one unit of confidence."""


def best_single_threshold(sample: MergedSample, roles: Roles, delta: float) -> Floats:
    """Return the largest ``exp(epsilon)`` of the official threshold grid, [B].

    The grid has ``ceil(range * 100)`` values; two of them with no sample between
    give the same attack, so only those just at or below a sample are tried. Positive is
    the group with the larger median; 0 means that every threshold was discarded.
    """
    cell = _threshold_index(sample.values)
    opens = cell >= 0
    opens[:, 1:] &= cell[:, 1:] > cell[:, :-1]
    found = odds(1.0 - roles.negative[:, :-1], roles.positive[:, :-1], delta)
    return np.asarray(found.max(axis=1, where=opens, initial=0.0))


def _threshold_index(values: Floats) -> Floats:
    """Return the index of the last grid threshold at or below each value, or -1.

    The grid of an example is ``float32(linspace(min, max, count))``.
    """
    low, high = values[:, :1], values[:, -1:]
    count = np.ceil((high - low) * STEPS_PER_LOGIT)
    step = (high - low) / np.maximum(count - 1, 1)
    reach = _float32_reach(values)
    guess = np.floor((reach - low) / np.where(step > 0, step, 1.0)) - 1
    for _ in range(2):
        guess += (guess + 1) * step + low <= reach
    index = np.clip(guess, -1, np.maximum(count - 2, 0))
    # linspace sets its last value to the maximum itself, whatever the rounding.
    index = np.where((reach >= high) & (count > 1), count - 1, index)
    return np.where((reach >= low) & (count > 0), index, -1.0)


def _float32_reach(values: Floats) -> Floats:
    """Return the largest float64 that rounds to a float32 at or below each value."""
    nearest = values.astype(np.float32)
    down = np.nextafter(nearest, np.float32(-np.inf))
    below = np.where(nearest > values, down, nearest)
    above = np.nextafter(below, np.float32(np.inf))
    middle = (below.astype(np.float64) + above) / 2
    # Halfway cases go to the even neighbour.
    odd = below.view(np.int32) & 1
    return np.where(odd == 1, np.nextafter(middle, -np.inf), middle)
