"""The per-example table: one row each, in order."""

import numpy as np
import pytest

from harness.errors import UsageError
from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.literature.example_table import ExampleRow, example_table

PAIR = ConfidencePair(
    np.array([[1.0, 5.0], [3.0, 6.0]]), np.array([[0.0, 4.0], [0.0, 4.0]])
)
CALIBRATED = ConfidencePair(
    np.array([[1.0, 5.0], [3.0, 9.0]]), np.array([[4.0, 5.0], [8.0, 7.0]])
)
COLUMNS = {
    "indices": [17, 4],
    "labels": [3, 9],
    "epsilon": [0.5, 50.0],
    "certified": [0.0, 2.1],
}


def test_each_example_gets_its_row_in_order():
    assert example_table((PAIR, CALIBRATED), **COLUMNS) == (
        ExampleRow(17, 3, 0.5, 0.0, 2.0, 0.0, -2.0, 0.5),
        ExampleRow(4, 9, 50.0, 2.1, 5.5, 4.0, 1.0, 2.0),
    )


def test_a_column_of_the_wrong_length_is_refused():
    with pytest.raises(UsageError, match=r"labels has shape \(3,\)"):
        example_table((PAIR, CALIBRATED), **{**COLUMNS, "labels": [1, 2, 3]})
