"""The logit-scaled confidence: how sure a model is of an example's label."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import UsageError
from harness.models.outputs import finite_numbers

#: Added to a probability before its logarithm; the smallest float32 above zero.
_TINY = 1e-45

#: Logits that are converted at a time.
_AT_A_TIME = 1 << 22


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
        Wrong shapes, or labels out of range.
    NonFiniteOutputs
        Logits that are not finite numbers.

    References
    ----------
    Carlini et al., "Membership inference attacks from first principles" (2022),
    in the form of the NeurIPS'23 unlearning competition's evaluation.
    """
    values: NDArray[Any] = finite_numbers(logits, "logits")
    labels = checked_labels(targets, values)
    single = np.asarray(logits).dtype in (np.float16, np.float32)
    tables = values.reshape(-1, *values.shape[-2:])
    found = np.empty(tables.shape[:-1])
    # A few models at a time: on the way each takes several times its own memory.
    step = max(1, _AT_A_TIME // tables[0].size)
    for start in range(0, len(tables), step):
        part = tables[start : start + step]
        part = part.astype(np.float32) if single else part
        found[start : start + step] = _confidences(part, labels)
    return found.reshape(values.shape[:-1])


def _confidences(values: NDArray[Any], labels: NDArray[np.intp]) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):  # an overflow to -inf is a probability of 0
        powers = np.exp(values - values.max(axis=-1, keepdims=True)).astype(np.float64)
    probabilities = powers / powers.sum(axis=-1, keepdims=True)
    index = np.broadcast_to(labels[:, None], (*values.shape[:-1], 1))
    own = np.take_along_axis(probabilities, index, axis=-1)[..., 0]
    # Zero out the label rather than compute 1 - p: near 1 that loses all digits.
    np.put_along_axis(probabilities, index, 0.0, axis=-1)
    others: NDArray[np.float64] = probabilities.sum(axis=-1)
    return np.asarray(np.log(own + _TINY) - np.log(others + _TINY), dtype=np.float64)


def checked_labels(targets: ArrayLike, logits: NDArray[Any]) -> NDArray[np.intp]:
    """Return the targets as indices into the class axis of `logits`, or say why not."""
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
