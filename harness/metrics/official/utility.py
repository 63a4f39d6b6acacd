"""What is left of a model's accuracy, and the official score made of it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import UsageError

Floats = NDArray[np.float64]
Models = NDArray[np.intp]


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


class HasAccuracies(Protocol):
    """Models whose accuracies are known.

    Attributes
    ----------
    retain, test : ndarray of float64, shape [N]
    """

    @property
    def retain(self) -> Floats:
        """See the class."""
        ...

    @property
    def test(self) -> Floats:
        """See the class."""
        ...


@dataclass(frozen=True)
class Utility:
    """The factor of the score, of all models or of some: what is left of accuracy.

    Attributes
    ----------
    retain_unlearned, test_unlearned : ndarray of float64, shape [N]
        Accuracies in the order of the confidences, 0 to 1.
    retain_retrained, test_retrained : ndarray of float64, shape [M]
    """

    retain_unlearned: Floats
    retain_retrained: Floats
    test_unlearned: Floats
    test_retrained: Floats

    @classmethod
    def between(cls, unlearned: HasAccuracies, retrained: HasAccuracies) -> "Utility":
        """Hold unlearned models against retrained ones."""
        return cls(unlearned.retain, retrained.retain, unlearned.test, retrained.test)

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

    @property
    def ratios(self) -> tuple[float, float]:
        """Return ``RA_U / RA_R`` and ``TA_U / TA_R`` of all models, not clipped."""
        return (
            utility_ratio(self.retain_unlearned, self.retain_retrained),
            utility_ratio(self.test_unlearned, self.test_retrained),
        )

    @property
    def factor(self) -> float:
        """Return the product of the `ratios`, by which F becomes the score."""
        retain, test = self.ratios
        return retain * test

    @property
    def clipped(self) -> float:
        """Return the factor with either ratio clipped at 1."""
        retain, test = self.ratios
        return min(retain, 1.0) * min(test, 1.0)

    def of_subsets(self, unlearned: Models, retrained: Models) -> Floats:
        """Return the factor of subsets of the models, ``[...]``.

        Parameters
        ----------
        unlearned, retrained : ndarray of int, shapes [..., n] and [..., m]
            The models of each subset.
        """
        retain = self.retain_unlearned[unlearned].mean(axis=-1)
        test = self.test_unlearned[unlearned].mean(axis=-1)
        retain = retain / self.retain_retrained[retrained].mean(axis=-1)
        return np.asarray(retain * test / self.test_retrained[retrained].mean(axis=-1))


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
