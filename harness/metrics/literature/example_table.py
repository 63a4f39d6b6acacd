"""Which examples were forgotten: one row for each, best and worst first."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import UsageError
from harness.metrics.inputs.confidence import ConfidencePair


@dataclass(frozen=True)
class ExampleRow:
    """One forget example.

    Attributes
    ----------
    index : int
        Its index in the training set.
    label : int
        Its class.
    epsilon : float
        The official ε.
    certified_epsilon : float
        A lower bound that holds in 95 % for this example by itself.
    unlearned_median, retrained_median : float
        Median logit-scaled confidence of either side.
    """

    index: int
    label: int
    epsilon: float
    certified_epsilon: float
    unlearned_median: float
    retrained_median: float


def example_table(
    pair: ConfidencePair,
    *,
    indices: ArrayLike,
    labels: ArrayLike,
    epsilon: ArrayLike,
    certified: ArrayLike,
) -> tuple[ExampleRow, ...]:
    """Return one row for each forget example, in the order of the arrays.

    Parameters
    ----------
    pair : ConfidencePair
        ``[N, S]`` unlearned and ``[M, S]`` retrained confidences.
    indices, labels : array_like of int, shape [S]
    epsilon, certified : array_like of float, shape [S]
        Official and certified ε of the same arrays.

    Raises
    ------
    UsageError
        A column that does not have S entries.
    """
    examples = pair.unlearned.shape[1]
    columns = {
        "indices": np.asarray(indices),
        "labels": np.asarray(labels),
        "epsilon": np.asarray(epsilon),
        "certified": np.asarray(certified),
    }
    for name, column in columns.items():
        if column.shape != (examples,):
            raise UsageError(
                f"{name} has shape {column.shape}; give one entry for each of the "
                f"{examples} forget examples."
            )
    medians = [np.median(side, axis=0) for side in pair]
    rows = zip(*columns.values(), *medians, strict=True)
    return tuple(
        ExampleRow(int(i), int(y), float(e), float(c), float(u), float(r))
        for i, y, e, c, u, r in rows
    )


def best_forgotten(rows: tuple[ExampleRow, ...], count: int) -> tuple[ExampleRow, ...]:
    """Return the rows of smallest ε; certified ε and index decide ties."""
    return tuple(sorted(rows, key=_remembered)[:count])


def worst_forgotten(rows: tuple[ExampleRow, ...], count: int) -> tuple[ExampleRow, ...]:
    """Return the rows of largest ε; certified ε and index decide ties."""
    return tuple(sorted(rows, key=_remembered, reverse=True)[:count])


def _remembered(row: ExampleRow) -> tuple[float, float, int]:
    """Return how badly an example was forgotten, as a sort key."""
    return row.epsilon, row.certified_epsilon, row.index
