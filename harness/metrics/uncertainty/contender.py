"""One side of a comparison: what the models of a submission, or of the bank, did."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import UsageError
from harness.metrics.inputs.confidence import confidence_matrix


@dataclass(frozen=True)
class Contender:
    """What N models of one submission (or of the bank) did.

    Attributes
    ----------
    confidences : ndarray, shape [N, S]
        On the forget set.
    retain, test : ndarray, shape [N], or None
        Accuracies of the same models; None to compare F alone.
    """

    confidences: NDArray[np.float64]
    retain: NDArray[np.float64] | None
    test: NDArray[np.float64] | None


def contender(
    confidences: ArrayLike,
    retain: ArrayLike | None = None,
    test: ArrayLike | None = None,
) -> Contender:
    """Check one side's arrays.

    Parameters
    ----------
    confidences : array_like, shape [N, S]
    retain, test : array_like, shape [N], optional
        Both or neither.

    Raises
    ------
    UsageError
        Unusable confidences, fewer than 4 models, only one of the accuracies, or
        accuracies of another number of models.
    """
    matrix = confidence_matrix(confidences, "confidences")
    if len(matrix) < 4:
        raise UsageError(
            f"There are {len(matrix)} models; a comparison needs N ≥ 4, so that half "
            "of them still have a spread."
        )
    if (retain is None) != (test is None):
        raise UsageError("Give retain and test accuracies both, or neither.")
    if retain is None or test is None:
        return Contender(matrix, None, None)
    vectors = np.asarray(retain, np.float64), np.asarray(test, np.float64)
    if any(vector.shape != (len(matrix),) for vector in vectors):
        raise UsageError(
            f"The accuracies have shapes {vectors[0].shape} and {vectors[1].shape}; "
            f"give one for each of the {len(matrix)} models."
        )
    return Contender(matrix, *vectors)


def check_comparable(first: Contender, second: Contender, bank: Contender) -> None:
    """Check that A, B and the bank belong together.

    Raises
    ------
    UsageError
        Different numbers of models or examples, or accuracies of only some sides.
    """
    if len(first.confidences) != len(second.confidences):
        raise UsageError(
            f"A has {len(first.confidences)} models and B {len(second.confidences)}; "
            "F is not comparable between different N."
        )
    examples = [side.confidences.shape[1] for side in (first, second, bank)]
    if len(set(examples)) > 1:
        raise UsageError(
            f"A, B and the bank cover {examples[0]}, {examples[1]} and {examples[2]} "
            "examples; give all three on the same forget set."
        )
    if (first.retain is None) != (second.retain is None):
        raise UsageError("Only one of A and B has accuracies; give both or neither.")
    if first.retain is not None and bank.retain is None:
        raise UsageError("The bank lacks the accuracies that the results have.")
