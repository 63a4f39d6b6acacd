"""Noise that moves a whole run at once, and that an attacker takes out again.

Retraining's runs differ a little in how sure they are altogether, in which classes they
favour, and in what moves all examples together. A submission that draws one of these
afresh for each run gets spread in every example from one number, and whoever holds the
model reads that number off.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from harness.metrics.flags.flag import Flag, FlagCode
from harness.metrics.flags.principal import principal_axis
from harness.metrics.inputs.confidence import ConfidencePair, forget_pair
from harness.metrics.official.diagnosis import natural_scale
from harness.models.outputs import Floats, ModelOutputs

LEAST_MODELS = 16
"""Fewest runs whose spread says anything."""

LEAST_QUALITY = 0.02
"""F below which nobody has gained anything by noise; plain fine-tuning has more."""

FAR = 6.0
"""How many times retraining's spread is out of the ordinary: Fisher noise has 5.2 times
its class biases, and a factor drawn with 0.2 as standard deviation 7 times its
temperature."""

MOST = 3.0
"""Spreads of retraining beyond which a confidence is no farther from the median: a
single one that is far out would look like a direction."""


class Spread(NamedTuple):
    """How far one property of whole runs varies, on either side."""

    name: str
    unlearned: float
    retrained: float

    @property
    def ratio(self) -> float:
        """Spread over that of retraining; 0 where neither varies."""
        if self.unlearned == 0.0:
            return 0.0
        return self.unlearned / max(self.retrained, 1e-9)


def removable_noise_flag(
    unlearned: ModelOutputs, retrained: ModelOutputs, quality: float
) -> Flag | None:
    """Flag runs that differ as wholes `FAR` times as much as retraining's do."""
    if min(len(unlearned), len(retrained)) < LEAST_MODELS or quality < LEAST_QUALITY:
        return None
    found = list(spreads(unlearned, retrained))
    worst = max(found, key=lambda each: each.ratio)
    if worst.ratio < FAR:
        return None
    return Flag(
        FlagCode.REMOVABLE_NOISE,
        f"From run to run the {worst.name} varies {worst.ratio:.1f} times as much as "
        "between retrained models: one number a run moves every example, and an "
        "attacker takes it out again.",
        {each.name.replace(" ", "_"): each.ratio for each in found},
    )


def spreads(unlearned: ModelOutputs, retrained: ModelOutputs) -> Iterator[Spread]:
    """Yield the spreads over runs that the flag looks at."""
    ours, theirs = unlearned.calibration, retrained.calibration
    if ours is not None and theirs is not None:
        yield Spread("temperature", *map(_slope_spread, (ours, theirs)))
        if min(ours.shape[1], theirs.shape[1]) > 1:
            yield Spread("class bias", *map(_bias_spread, (ours, theirs)))
    pair = calibrated_pair(unlearned, retrained)
    yield Spread("mean confidence", *(float(c.mean(axis=1).std()) for c in pair))
    scale = natural_scale(pair)
    yield Spread("principal component", *(_principal_spread(c, scale) for c in pair))


def calibrated_pair(unlearned: ModelOutputs, retrained: ModelOutputs) -> ConfidencePair:
    """Pair calibrated confidences; official ones where either side has none."""
    ours, theirs = unlearned.calibrated(), retrained.calibrated()
    if ours is None or theirs is None:
        return forget_pair(unlearned, retrained)
    return forget_pair(ours, theirs)


def _slope_spread(calibration: Floats) -> float:
    """Return the spread of the temperature's logarithm, near enough."""
    slope = calibration[:, 0]
    middle = abs(float(np.median(slope)))
    return float(slope.std()) / middle if middle > 0.0 else 0.0


def _bias_spread(calibration: Floats) -> float:
    return float(np.sqrt(np.mean(calibration[:, 1:].var(axis=0))))


def _principal_spread(models: Floats, scale: Floats) -> float:
    """Return how far the runs lie apart along the direction in which they do most."""
    cloud = np.clip((models - np.median(models, axis=0)) / scale, -MOST, MOST)
    cloud -= cloud.mean(axis=0)
    return float(np.sqrt(principal_axis(cloud).square / models.size))
