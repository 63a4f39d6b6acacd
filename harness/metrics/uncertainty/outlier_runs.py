"""Runs that lie far outside the cloud of the others, as those of bad seeds do."""

import numpy as np

from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.official.diagnosis import natural_scale
from harness.models.outputs import Floats

LEAST_MODELS = 16
"""Fewest runs in which outliers, or two groups, can be told from chance."""

FAR = 10.0
"""A run is an outlier when its distance from the middle of all runs exceeds the usual
distance by this many robust standard deviations. In simulated honest benchmarks, heavy
tails and runs that vary as a whole included, hardly any run exceeds 8."""

LEAST_OUTLIERS = 2
"""One odd run may be an accident."""

_LEAST_SCALE = 0.05


def has_outlier_runs(pair: ConfidencePair) -> bool:
    """Tell whether `LEAST_OUTLIERS` or more of the unlearned models are outliers."""
    if len(pair.unlearned) < LEAST_MODELS:
        return False
    return outlier_runs(pair.unlearned, natural_scale(pair)) >= LEAST_OUTLIERS


def outlier_runs(models: Floats, scale: Floats) -> int:
    """Count the runs whose distance from the middle is out of the ordinary."""
    distance = distance_from_middle(models, scale)
    usual = float(np.median(distance))
    spread = 1.4826 * float(np.median(np.abs(distance - usual)))
    # Runs that are almost copies of each other must not make a rounding error far.
    allowed = FAR * max(spread, _LEAST_SCALE * usual)
    return int((distance - usual > allowed).sum()) if usual > 0.0 else 0


def distance_from_middle(models: Floats, scale: Floats) -> Floats:
    """Return each run's mean distance from the median run, ``[N]``."""
    middle = np.median(models, axis=0)
    return np.asarray((np.abs(models - middle) / scale).mean(axis=1))
