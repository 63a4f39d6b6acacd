"""What is left of a model's accuracy, and the official score made of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import UsageError

Models = NDArray[np.intp] | slice
_ALL = slice(None)


def utility_ratio(unlearned: ArrayLike, retrained: ArrayLike) -> float:
    """Return mean accuracy after unlearning over mean accuracy after retraining.

    Not clipped: a submission that beats retraining gets more than 1.

    Parameters
    ----------
    unlearned : array_like, shape [N] or scalar
        Accuracies, 0 to 1, of the unlearned models (or their mean).
    retrained : array_like, shape [M] or scalar
        The same of the retrained models.

    Raises
    ------
    UsageError
        Accuracies outside 0 .. 1, none at all, or retrained models at 0.
    """
    denominator = _mean_accuracy(retrained, "retrained")
    if denominator == 0:
        raise UsageError(
            "The retrained models have accuracy 0, so no ratio to them exists; "
            "check the reference bank."
        )
    return _mean_accuracy(unlearned, "unlearned") / denominator


def score(
    forgetting_quality: float,
    retain_unlearned: ArrayLike,
    retain_retrained: ArrayLike,
    test_unlearned: ArrayLike,
    test_retrained: ArrayLike,
) -> float:
    """Return the official score ``F * (RA_U / RA_R) * (TA_U / TA_R)``.

    Parameters
    ----------
    forgetting_quality : float
        F, 0 to 1.
    retain_unlearned, retain_retrained : array_like, shape [N], [M] or scalars
        Retain accuracies RA_U and RA_R, 0 to 1.
    test_unlearned, test_retrained : array_like, shape [N], [M] or scalars
        Test accuracies TA_U and TA_R, 0 to 1.

    Raises
    ------
    UsageError
        F outside 0 .. 1, or accuracies that `utility_ratio` refuses.
    """
    if not 0 <= forgetting_quality <= 1:
        raise UsageError(
            f"forgetting quality is {forgetting_quality}; it must lie in 0 .. 1."
        )
    return (
        float(forgetting_quality)
        * utility_ratio(retain_unlearned, retain_retrained)
        * utility_ratio(test_unlearned, test_retrained)
    )


@dataclass(frozen=True)
class Accuracies:
    """Accuracies of every model, in the order of the confidences, 0 to 1.

    Attributes
    ----------
    retain_unlearned, test_unlearned : array_like, shape [N]
    retain_retrained, test_retrained : array_like, shape [M]
    """

    retain_unlearned: ArrayLike
    retain_retrained: ArrayLike
    test_unlearned: ArrayLike
    test_retrained: ArrayLike

    def check(self, n_unlearned: int, n_retrained: int) -> None:
        """Raise `UsageError` unless there is one accuracy for each model."""
        for name, expected in (
            ("retain_unlearned", n_unlearned),
            ("retain_retrained", n_retrained),
            ("test_unlearned", n_unlearned),
            ("test_retrained", n_retrained),
        ):
            shape = np.shape(getattr(self, name))
            if shape != (expected,):
                raise UsageError(
                    f"{name} has shape {shape}; give one accuracy for each of the "
                    f"{expected} models."
                )

    def utility(self, unlearned: Models = _ALL, retrained: Models = _ALL) -> float:
        """Return the factor of the score, of all or some of the models."""
        retain = utility_ratio(
            np.asarray(self.retain_unlearned)[unlearned],
            np.asarray(self.retain_retrained)[retrained],
        )
        test = utility_ratio(
            np.asarray(self.test_unlearned)[unlearned],
            np.asarray(self.test_retrained)[retrained],
        )
        return retain * test


def _mean_accuracy(values: ArrayLike, name: str) -> float:
    """Return the mean of accuracies, checked."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiu" or array.size == 0 or array.ndim > 1:
        raise UsageError(
            f"The {name} accuracies are {array.dtype} of shape {array.shape}; give one "
            "number a model."
        )
    if not ((array >= 0) & (array <= 1)).all():
        raise UsageError(
            f"The {name} accuracies run from {array.min()} to {array.max()}; they must "
            "be shares between 0 and 1."
        )
    return float(array.mean(dtype=np.float64))
