"""Which examples were forgotten: one row for each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import UsageError
from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.official.diagnosis import moments


@dataclass(frozen=True)
class ExampleRow:
    """One forget example, by its index in the training set, and its class.

    The certified ε is a lower bound that holds in 95 % for this example by itself; the
    medians are of either side's logit-scaled confidences. `shift` is how far the runs'
    mean lies from that of retraining, in spreads of retraining, and `spread` theirs
    over its, both calibrated where there are calibrated confidences.
    """

    index: int
    label: int
    epsilon: float
    certified_epsilon: float
    unlearned_median: float
    retrained_median: float
    shift: float
    spread: float


def example_table(
    pairs: tuple[ConfidencePair, ConfidencePair],
    *,
    indices: ArrayLike,
    labels: ArrayLike,
    epsilon: ArrayLike,
    certified: ArrayLike,
) -> tuple[ExampleRow, ...]:
    """Return one row for each of S forget examples, in the order of the columns.

    `pairs` are of official confidences, then of calibrated ones where there are some.
    """
    pair, calibrated = pairs
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
    medians = [np.median(models, axis=0) for models in pair]
    rows = zip(*columns.values(), *medians, *moments(calibrated), strict=True)
    return tuple(ExampleRow(int(i), int(y), *map(float, row)) for i, y, *row in rows)
