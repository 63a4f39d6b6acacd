"""Exact upper confidence bounds on an error rate."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainccinv


def upper_bounds(trials: int, alpha: float) -> NDArray[np.float64]:
    """Return the one-sided Clopper–Pearson bound of each error count, ``[trials + 1]``.

    Entry ``k`` is the rate ``p`` at which seeing ``k`` or fewer errors in `trials`
    independent tries has probability `alpha`; with 0 errors it is
    ``1 - alpha ** (1 / trials)``, with all of them wrong it is 1.

    References
    ----------
    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in
    the case of the binomial" (1934).
    """
    errors = np.arange(trials, dtype=np.float64)
    inner = betainccinv(errors + 1.0, trials - errors, alpha)
    return np.append(inner, 1.0)
