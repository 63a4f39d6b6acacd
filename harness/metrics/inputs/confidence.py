"""Logit-scaled confidences, and the checks every array of them must pass."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import UsageError

_TINY = 1e-45
"""Added to a probability before its logarithm; the smallest float32 above zero."""

MAX_CONFIDENCE = 1e9
"""Largest magnitude accepted; a true logit-scaled confidence stays within 104."""


class ConfidencePair(NamedTuple):
    """Confidences of the two groups of models on the same examples, checked.

    Attributes
    ----------
    unlearned : ndarray of float64, shape [N, S]
    retrained : ndarray of float64, shape [M, S]
    """

    unlearned: NDArray[np.float64]
    retrained: NDArray[np.float64]


def logit_scaled_confidence(
    logits: ArrayLike, targets: ArrayLike
) -> NDArray[np.float64]:
    """Return how sure a model is of each example's label, on an unbounded scale.

    ``log(p_y + 1e-45) - log(sum of the other p_j + 1e-45)`` in float64, with ``p``
    the softmax after subtracting the largest logit.  Exponentials are taken in the
    precision of the logits, as the competition did: with float32 logits that moves
    a confidence by 1e-6 at most, save beyond ±87, where float32 runs out of digits.

    Parameters
    ----------
    logits : array_like, shape [..., S, C]
        Logits of S examples for C >= 2 classes; leading axes may count models.
    targets : array_like of int, shape [S]
        The label of each example, 0 .. C - 1.

    Returns
    -------
    ndarray of float64, shape [..., S]
        The inputs are left as they are.

    Raises
    ------
    UsageError
        Wrong shapes, labels out of range, or logits that are not finite numbers.

    References
    ----------
    Carlini et al., "Membership inference attacks from first principles" (2022),
    in the form of the NeurIPS'23 unlearning competition's evaluation.
    """
    values: NDArray[Any] = _numbers(logits, "logits")
    labels = _labels(targets, values)
    if np.asarray(logits).dtype in (np.float16, np.float32):
        values = values.astype(np.float32)
    with np.errstate(over="ignore"):  # an overflow to -inf is a probability of 0
        powers = np.exp(values - values.max(axis=-1, keepdims=True)).astype(np.float64)
    probabilities = powers / powers.sum(axis=-1, keepdims=True)
    index = np.broadcast_to(labels[:, None], (*values.shape[:-1], 1))
    own = np.take_along_axis(probabilities, index, axis=-1)[..., 0]
    # Zero out the label rather than compute 1 - p: near 1 that loses all digits.
    np.put_along_axis(probabilities, index, 0.0, axis=-1)
    others: NDArray[np.float64] = probabilities.sum(axis=-1)
    return np.asarray(np.log(own + _TINY) - np.log(others + _TINY), dtype=np.float64)


def confidence_pair(unlearned: ArrayLike, retrained: ArrayLike) -> ConfidencePair:
    """Check two confidence arrays and return them as float64.

    Parameters
    ----------
    unlearned : array_like, shape [N, S]
        Confidences of N >= 2 unlearned models on S >= 1 examples.
    retrained : array_like, shape [M, S]
        Confidences of M >= 2 retrained models on the same examples.

    Raises
    ------
    UsageError
        Not numbers, not two-dimensional, NaN or infinite, beyond
        `MAX_CONFIDENCE`, fewer than two models, no example, or different S.
    """
    pair = ConfidencePair(
        confidence_matrix(unlearned, "unlearned"),
        confidence_matrix(retrained, "retrained"),
    )
    left, right = pair.unlearned.shape[1], pair.retrained.shape[1]
    if left != right:
        raise UsageError(
            f"The unlearned confidences cover {left} examples and the retrained ones "
            f"{right}; give both on the same forget set."
        )
    return pair


def confidence_matrix(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Check one [models, examples] array of confidences and return it as float64.

    Raises
    ------
    UsageError
        See `confidence_pair`; `name` opens the sentence.
    """
    matrix = _numbers(values, name)
    if matrix.ndim != 2:
        raise UsageError(
            f"{name} has shape {matrix.shape}; confidences must be [models, examples]."
        )
    models, examples = matrix.shape
    if models < 2 or examples < 1:
        raise UsageError(
            f"{name} has {models} models and {examples} examples; "
            "at least 2 models and 1 example are needed."
        )
    if np.abs(matrix).max() > MAX_CONFIDENCE:
        raise UsageError(
            f"{name} holds values beyond ±{MAX_CONFIDENCE:g}; "
            "logit-scaled confidences stay within ±104."
        )
    return matrix


def _numbers(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return `values` as a float64 array, or say why they are no finite numbers."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise UsageError(f"{name} is ragged; give a full rectangular array.") from error
    if array.dtype.kind not in "fiu":
        raise UsageError(
            f"{name} has data type {array.dtype}; give real numbers "
            "(a floating-point or integer array)."
        )
    numbers = array.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise UsageError(
            f"{name} holds {int((~np.isfinite(numbers)).sum())} NaN or infinite "
            "values; drop those models or recompute them."
        )
    return numbers


def _labels(targets: ArrayLike, logits: NDArray[Any]) -> NDArray[np.intp]:
    """Return the targets as indices into the class axis of `logits`."""
    if logits.ndim < 2 or logits.shape[-1] < 2 or logits.size == 0:
        raise UsageError(
            f"logits has shape {logits.shape}; it must be [..., examples, classes] "
            "with at least one example and two classes."
        )
    labels = np.asarray(targets)
    examples, classes = logits.shape[-2:]
    if labels.dtype.kind not in "iu" or labels.shape != (examples,):
        raise UsageError(
            f"targets is {labels.dtype} of shape {labels.shape}; give one integer "
            f"label for each of the {examples} examples."
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise UsageError(
            f"targets run from {labels.min()} to {labels.max()}; "
            f"with {classes} classes they must lie in 0 .. {classes - 1}."
        )
    return labels.astype(np.intp)
