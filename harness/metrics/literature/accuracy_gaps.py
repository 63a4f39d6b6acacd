"""How far accuracies on forget, retain and test set lie from those of retraining."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from harness.errors import UsageError
from harness.metrics.inputs.model_halves import halve_models
from harness.metrics.literature.metric_value import Direction, MetricValue, missing

SETS = ("forget", "retain", "test")


@dataclass(frozen=True)
class Accuracies:
    """Accuracies of the same models on the three sets.

    Attributes
    ----------
    forget, retain, test : ndarray of float64, shape [N]
        Shares of right answers, 0 to 1.
    """

    forget: NDArray[np.float64]
    retain: NDArray[np.float64]
    test: NDArray[np.float64]

    def table(self) -> NDArray[np.float64]:
        """Return the three columns in the order of `SETS`, ``[N, 3]``."""
        return np.stack([self.forget, self.retain, self.test], axis=1)


def accuracies(forget: ArrayLike, retain: ArrayLike, test: ArrayLike) -> Accuracies:
    """Check three vectors of accuracies and return them as `Accuracies`.

    Parameters
    ----------
    forget, retain, test : array_like, shape [N]

    Raises
    ------
    UsageError
        Vectors of different lengths, not numbers, or outside 0 to 1.
    """
    vectors = [
        _vector(values, name)
        for name, values in zip(SETS, (forget, retain, test), strict=True)
    ]
    if len({len(vector) for vector in vectors}) > 1:
        lengths = ", ".join(str(len(vector)) for vector in vectors)
        raise UsageError(
            f"The forget, retain and test accuracies are of {lengths} models; "
            "give all three of the same models."
        )
    return Accuracies(*vectors)


def _vector(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return `values` as a float64 vector within 0 to 1."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiu" or array.ndim != 1 or array.size == 0:
        raise UsageError(
            f"{name} accuracies are {array.dtype} of shape {array.shape}; "
            "give one real number a model."
        )
    vector = array.astype(np.float64)
    if not ((vector >= 0.0) & (vector <= 1.0)).all():
        raise UsageError(
            f"{name} accuracies run from {vector.min():g} to {vector.max():g}; "
            "give shares between 0 and 1."
        )
    return vector


def gap_intervals(
    unlearned: Accuracies, retrained: Accuracies, alpha: float
) -> NDArray[np.float64]:
    """Return gaps of the mean accuracies with Welch intervals.

    Parameters
    ----------
    unlearned, retrained : Accuracies
        Of N and M >= 2 models.
    alpha : float
        Probability with which each interval may miss.

    Returns
    -------
    ndarray, shape [3, 3]
        Rows forget, retain, test; columns gap (unlearned minus retrained), low, high.

    References
    ----------
    Welch, "The generalization of 'Student's' problem" (1947).
    """
    ours, theirs = unlearned.table(), retrained.table()
    gap = ours.mean(axis=0) - theirs.mean(axis=0)
    parts = [side.var(axis=0, ddof=1) / len(side) for side in (ours, theirs)]
    variance = parts[0] + parts[1]
    shares = parts[0] ** 2 / (len(ours) - 1) + parts[1] ** 2 / (len(theirs) - 1)
    # Without any variance the degrees of freedom do not matter, only that they exist.
    freedom = np.divide(variance**2, shares, out=np.ones(3), where=shares > 0.0)
    width = stdtrit(freedom, 1.0 - alpha / 2) * np.sqrt(variance)
    return np.stack([gap, gap - width, gap + width], axis=1)


def gap_metrics(
    unlearned: Accuracies, retrained: Accuracies, *, seed: int
) -> tuple[MetricValue, ...]:
    """Return the accuracy gaps on forget, retain and test set.

    A gap is mean accuracy unlearned minus retrained, so 0 is ideal on all three: a
    forget accuracy *below* that of retraining gives the forgotten examples away, too.
    The null compares two random halves of the retrained models.

    Parameters
    ----------
    unlearned, retrained : Accuracies
    seed : int
        Decides the halves of the null.
    """
    names = [f"{name} accuracy gap" for name in SETS]
    models = min(len(unlearned.forget), len(retrained.forget))
    if models < 2:
        reason = f"needs N ≥ 2 models on either side; there are {models}"
        return tuple(missing(name, Direction.NULL, reason) for name in names)
    nulls = null_gaps(retrained, seed=seed)
    return tuple(
        MetricValue(
            name,
            float(row[0]),
            float(row[1]),
            float(row[2]),
            Direction.NULL,
            null,
            null_models=len(retrained.forget) // 2,
        )
        for name, row, null in zip(
            names, gap_intervals(unlearned, retrained, 0.05), nulls, strict=True
        )
    )


def null_gaps(retrained: Accuracies, *, seed: int) -> list[float]:
    """Return the gaps between two random halves of the retrained models, ``[3]``."""
    first, second = halve_models(retrained.table(), np.random.default_rng(seed))
    return [float(gap) for gap in first.mean(axis=0) - second.mean(axis=0)]
