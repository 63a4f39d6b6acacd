"""What N models output: one checked table for unlearned and retrained models alike."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import UsageError

Floats = NDArray[np.float64]
#: The sets that models are evaluated on, in the order of a result's fields.
SETS = ("retain", "forget", "test")
#: Fields of one number and more a model.
MATRICES = (
    "forget_confidence",
    "test_confidence",
    "calibrated_confidence",
    "calibration",
    "forget_min_k",
    "test_min_k",
    "extracted_tokens",
)
#: Largest magnitude accepted; a true logit-scaled confidence stays within 104.
MAX_CONFIDENCE = 1e9


class NonFiniteOutputs(UsageError):
    """Some output of a model is NaN or infinite, so nothing can be measured on it."""


def kept_places(n_forget: int, n_test: int) -> NDArray[np.int64]:
    """Choose as many test examples as there are forget ones, evenly spread.

    Metrics of the literature hold equally many against each other, and confidences of
    the rest would be most of what is stored.
    """
    return np.linspace(0, n_test - 1, min(n_forget, n_test)).astype(np.int64)


@dataclass(frozen=True, eq=False, kw_only=True)
class ModelOutputs:
    """Outputs of N models on the same examples, checked when the table is made.

    Attributes
    ----------
    forget_confidence : ndarray of float64, shape [N, S]
        Logit-scaled confidences on the forget set.
    test_confidence : ndarray of float64, shape [N, T], or None
        The same on examples of the test set, by `kept_places`.
    calibrated_confidence : ndarray of float64, shape [N, S], or None
        Those on the forget set after each model has been calibrated by its own outputs
        on the test set.
    calibration : ndarray of float64, shape [N, P], or None
        The P parameters of that calibration; what they mean is the task's to say, but
        the first is the slope, 1 / temperature.
    forget_min_k, test_min_k : ndarray of float64, [N, S] and [N, T], or None
        Of language models: mean log-probability of a passage's least likely tokens,
        on the forget set and on those test passages that `test_confidence` has.
    extracted_tokens : ndarray of float64, shape [N, S], or None
        Of language models: how many tokens of the second half of a forget passage come
        out of its first half, before the first that is wrong.
    retain_accuracy, forget_accuracy, test_accuracy : ndarray of float64, [N], or None
        Utility on the three sets, shares in 0..1: all three or none.
    original : ndarray of int64, shape [N], or None
        Which of the track's original models each unlearned model was made from.

    Raises
    ------
    UsageError
        Not numbers, wrong or different shapes, no model or example, confidences
        beyond `MAX_CONFIDENCE`, shares outside 0..1.
    NonFiniteOutputs
        NaN or infinite values.
    """

    forget_confidence: Floats
    test_confidence: Floats | None = None
    calibrated_confidence: Floats | None = None
    calibration: Floats | None = None
    forget_min_k: Floats | None = None
    test_min_k: Floats | None = None
    extracted_tokens: Floats | None = None
    retain_accuracy: Floats | None = None
    forget_accuracy: Floats | None = None
    test_accuracy: Floats | None = None
    original: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        forget = confidence_matrix(self.forget_confidence, "forget confidences")
        object.__setattr__(self, "forget_confidence", forget)
        for field_name in MATRICES[1:]:
            self._check_matrix(field_name)
        self._check_calibrated()
        if self.original is not None:
            original = _places(self.original, "original models")
            self._require_same_models("original models", len(original))
            object.__setattr__(self, "original", original)
        given = [of for of in SETS if getattr(self, f"{of}_accuracy") is not None]
        if given and len(given) < len(SETS):
            raise UsageError(
                f"There are accuracies on {', '.join(given)} alone; give them on "
                f"{', '.join(SETS)}, or none."
            )
        for of in given:
            shares = _shares(getattr(self, f"{of}_accuracy"), f"{of} accuracies")
            self._require_same_models(f"{of} accuracies", len(shares))
            object.__setattr__(self, f"{of}_accuracy", shares)

    def _check_matrix(self, field_name: str) -> None:
        values = getattr(self, field_name)
        if values is not None:
            name = field_name.replace("confidence", "confidences").replace("_", " ")
            matrix = confidence_matrix(values, name)
            self._require_same_models(name, len(matrix))
            object.__setattr__(self, field_name, matrix)

    def _check_calibrated(self) -> None:
        calibrated = self.calibrated_confidence
        if calibrated is not None and calibrated.shape[1] != self.n_examples:
            raise UsageError(
                f"The calibrated confidences cover {calibrated.shape[1]} examples and "
                f"the forget confidences {self.n_examples}; give both of the same."
            )

    def _require_same_models(self, name: str, n_models: int) -> None:
        if n_models != len(self):
            raise UsageError(
                f"The {name} are of {n_models} models and the forget confidences of "
                f"{len(self)}; give both of the same models."
            )

    def __len__(self) -> int:
        return int(self.forget_confidence.shape[0])

    @property
    def n_examples(self) -> int:
        """S, forget examples."""
        return int(self.forget_confidence.shape[1])

    @property
    def has_accuracies(self) -> bool:
        """Whether utility is known, so that there is a score."""
        return self.retain_accuracy is not None

    def accuracy(self, of: str) -> Floats:
        """Utility ``[N]`` on ``"retain"``, ``"forget"`` or ``"test"``.

        Raises
        ------
        UsageError
            If it is not known.
        """
        shares: Floats | None = getattr(self, f"{of}_accuracy")
        if shares is None:
            raise UsageError(f"There are no {of} accuracies; give all three, [N] each.")
        return shares

    def calibrated(self) -> Self | None:
        """Put the forget set's calibrated confidences in the place of the others.

        None without them. There are none of the test set.
        """
        if self.calibrated_confidence is None:
            return None
        return replace(
            self,
            forget_confidence=self.calibrated_confidence,
            test_confidence=None,
            calibrated_confidence=None,
            calibration=None,
        )

    def take(self, models: slice | Sequence[int] | NDArray[np.intp]) -> Self:
        """Keep some of the models, in the order that is given."""
        arrays: dict[str, Any] = {
            name: None if array is None else array[models]
            for name, array in vars(self).items()
        }
        return type(self)(**arrays)

    def first(self, n_models: int) -> Self:
        """Keep the first N models."""
        return self.take(slice(n_models))

    def of_each_original(self) -> list[Self]:
        """Take apart the models that were made from different originals, in order."""
        places = self.original
        if places is None:
            return [self]
        return [self.take(np.flatnonzero(places == k)) for k in np.unique(places)]

    def in_single_precision(self) -> Self:
        """Round confidences as they are kept: metrics come out the same again."""
        rounded: dict[str, Any] = {
            name: array.astype(np.float32)
            for name in MATRICES
            if (array := getattr(self, name)) is not None
        }
        return replace(self, **rounded)

    @classmethod
    def stack(cls, tables: Sequence[Self]) -> Self:
        """Put tables of the same examples below each other, in order."""
        names = [field.name for field in fields(cls)]
        columns = {name: [getattr(table, name) for table in tables] for name in names}
        arrays: dict[str, Any] = {
            name: None if any(p is None for p in parts) else np.concatenate(parts)
            for name, parts in columns.items()
        }
        return cls(**arrays)


def finite_numbers(values: ArrayLike, name: str) -> Floats:
    """Return an array as float64.

    Raises
    ------
    UsageError
        If it is ragged or not of numbers; `name` stands in the sentence.
    NonFiniteOutputs
        If it holds NaN or infinity.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise UsageError(f"{name} is ragged; give a full rectangular array.") from error
    if array.dtype.kind not in "fiu":
        raise UsageError(
            f"{name} has data type {array.dtype}; give real numbers "
            "(a floating-point or integer array)."
        )
    numbers = array.astype(np.float64, copy=False)
    if not np.isfinite(numbers).all():
        raise NonFiniteOutputs(
            f"{name} holds {int((~np.isfinite(numbers)).sum())} NaN or infinite "
            "values; drop those models or recompute them."
        )
    return numbers


def confidence_matrix(values: ArrayLike, name: str, least_models: int = 1) -> Floats:
    """Return confidences ``[N, S]`` as float64.

    Raises
    ------
    UsageError
        As `finite_numbers`; also for another shape, too few models, no example, or
        values beyond `MAX_CONFIDENCE`.
    """
    matrix = finite_numbers(values, name)
    if matrix.ndim != 2:
        raise UsageError(
            f"{name} has shape {matrix.shape}; confidences must be [models, examples]."
        )
    models, examples = matrix.shape
    if models < least_models or examples < 1:
        raise UsageError(
            f"{name} has {models} models and {examples} examples; "
            f"at least {least_models} models and 1 example are needed."
        )
    if np.abs(matrix).max() > MAX_CONFIDENCE:
        raise UsageError(
            f"{name} holds values beyond ±{MAX_CONFIDENCE:g}; "
            "logit-scaled confidences stay within ±104."
        )
    return matrix


def _places(values: ArrayLike, name: str) -> NDArray[np.int64]:
    vector = finite_numbers(values, name)
    if vector.ndim != 1 or (vector < 0).any() or (vector % 1 != 0).any():
        raise UsageError(f"The {name} are no places; give 0, 1, ... for each model.")
    return vector.astype(np.int64)


def _shares(values: ArrayLike, name: str) -> Floats:
    vector = finite_numbers(values, name)
    if vector.ndim != 1:
        raise UsageError(f"{name} has shape {vector.shape}; give one number a model.")
    if not ((vector >= 0) & (vector <= 1)).all():
        raise UsageError(
            f"{name} run from {vector.min():g} to {vector.max():g}; "
            "give shares between 0 and 1."
        )
    return vector
