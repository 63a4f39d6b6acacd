"""From an attack's two error rates to epsilon."""

import numpy as np

from harness.metrics.official.epsilon import DELTA
from harness.models.outputs import Floats


def epsilon_from_errors(
    false_positive: Floats,
    false_negative: Floats,
    delta: float = DELTA,
) -> Floats:
    """Return the smallest ε that allows an attack with these error rates in (0, 1].

    ``max(log((1 - δ - FPR) / FNR), log((1 - δ - FNR) / FPR))``, which is negative for
    an attack that is worse than guessing, and minus infinity where neither logarithm
    exists. Swapping the two rates changes nothing. Fed with upper bounds of the rates,
    it is a lower bound of ε.

    References
    ----------
    Kairouz, Oh and Viswanath, "The composition theorem for differential privacy"
    (2015), theorem 2.1.
    """
    with np.errstate(divide="ignore"):
        forward = np.log(np.maximum(1.0 - delta - false_positive, 0.0))
        backward = np.log(np.maximum(1.0 - delta - false_negative, 0.0))
    return np.asarray(
        np.maximum(forward - np.log(false_negative), backward - np.log(false_positive))
    )
