"""Models as a table and as arrays: each comes back with its original, to the bit."""

import numpy as np
import pytest

from harness.errors import UsageError
from harness.models.outputs import MATRICES
from harness.models.records import RunRecord, read_record, stack, write_record
from harness.models.tables import csv_of, from_table, read_csv, table_of
from tests.typed_results import run_record, same_record


def of_original(index, place):
    """A run that starts from the original of this place; None if it is not known."""
    record = run_record(index)
    outputs = vars(record.outputs)
    original = None if place is None else np.array([place])
    changed = type(record.outputs)(**{**outputs, "original": original})
    return run_record(index, outputs=changed)


def confidences(records):
    outputs = stack(records)
    return {name: getattr(outputs, name) for name in MATRICES}


def test_a_table_says_the_original_of_every_run_and_comes_back_to_the_bit():
    runs = [of_original(i, place) for i, place in enumerate([0, 1, 0, 63])]

    text = csv_of(table_of(runs))
    again = from_table(RunRecord, read_csv(RunRecord, text), confidences(runs))

    assert [int(run.outputs.original[0]) for run in again] == [0, 1, 0, 63]
    assert again[1].outputs.original.dtype == np.int64
    for ours, theirs in zip(again, runs, strict=True):
        assert same_record(ours, theirs)


def test_a_table_without_originals_is_read_as_it_is():
    """Of an earlier version: those runs are of the only original."""
    runs = [of_original(i, None) for i in range(2)]

    table = read_csv(RunRecord, csv_of(table_of(runs)))
    again = from_table(RunRecord, table, confidences(runs))

    assert "original" not in table
    assert [run.outputs.original for run in again] == [None, None]


@pytest.mark.parametrize("cell", ["0.5", "nan", "", "-1", "x"])
def test_an_original_that_is_no_place_is_refused(cell):
    runs = [of_original(0, 7)]
    text = csv_of(table_of(runs))
    head, row = text.splitlines()
    cells = row.split(",")
    cells[head.split(",").index("original")] = cell

    with pytest.raises((ValueError, UsageError), match=r"number|places|convert"):
        table = read_csv(RunRecord, "\n".join([head, ",".join(cells), ""]))
        from_table(RunRecord, table, confidences(runs))


@pytest.mark.parametrize("place", [None, 0, 3])
def test_a_kept_run_knows_its_original_and_its_calibration(tmp_path, place):
    run = of_original(5, place)
    write_record(tmp_path / "run", run)

    again = read_record(tmp_path / "run", RunRecord)

    assert same_record(again, run)
    assert again.outputs.original == (None if place is None else np.array([place]))
    assert np.array_equal(again.outputs.calibration, run.outputs.calibration)


def test_runs_of_a_cluster_say_their_machine_and_others_say_nothing(tmp_path):
    there = [
        run_record(0, machine="n1: x", arithmetic="ab", retraining_seconds=(0.1, 9.0)),
        run_record(1, machine="n2: z", arithmetic="cd", retraining_seconds=(1 / 3,)),
        run_record(2, machine="n3: z", arithmetic="cd"),
    ]
    table = table_of(there)

    read = read_csv(RunRecord, csv_of(table))
    again = from_table(RunRecord, read, confidences(there))

    for ours, theirs in zip(again, there, strict=True):
        assert same_record(ours, theirs)
        write_record(tmp_path / "run", theirs)
        assert same_record(read_record(tmp_path / "run", RunRecord), theirs)
    own = {"machine", "arithmetic", "retraining_seconds"}
    assert own <= set(table)
    assert not own & set(table_of([run_record(0)]))
