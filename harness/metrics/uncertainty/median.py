"""How far a median can be trusted, whatever the distribution."""

import numpy as np
from scipy.stats import binom

from harness.metrics.uncertainty.interval import Interval, Unavailable
from harness.models.outputs import Floats

#: Of five, all lie on one side of the true median too often.
LEAST_VALUES = 6
_TAIL = 0.025


def median_interval(values: Floats) -> Interval | Unavailable:
    """Return the 95 % interval of the median of what `values` are a sample of.

    How many of them lie below the true median is binomial, so that two of them in
    order enclose it at least that often.
    """
    if len(values) < LEAST_VALUES:
        return Unavailable(f"needs {LEAST_VALUES} examples; there are {len(values)}")
    ordered = np.sort(values)
    place = int(binom.ppf(_TAIL, len(values), 0.5))
    return Interval(float(ordered[place - 1]), float(ordered[-place]))
