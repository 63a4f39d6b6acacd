"""The kept cost of a retraining: found again, and never believed when damaged."""

import json

import pytest

from harness.run.calibration import (
    Calibration,
    CalibrationKey,
    calibration_runs,
    oracle_path,
    read_calibration,
    share_slowed,
    share_waited,
    write_calibration,
)
from harness.run.messages import Usage


@pytest.fixture
def key(track, own_cache) -> CalibrationKey:
    return CalibrationKey(track, "cpu", 2, "none", "ab" * 32)


def test_a_calibration_is_found_again(key):
    assert read_calibration(key) is None
    write_calibration(key, Calibration((1.5, 1.25, 2.0)))

    assert read_calibration(key) == Calibration((1.5, 1.25, 2.0))


@pytest.mark.parametrize(
    "change",
    [{"device": "cuda"}, {"jobs": 1}, {"isolation": "full"}, {"oracle_sha256": "cd"}],
)
def test_it_holds_for_nothing_else(key, change):
    write_calibration(key, Calibration((1.0,)))

    assert read_calibration(key._replace(**change)) is None


def test_it_holds_for_no_other_track(key, variant):
    from harness.track import find_track  # noqa: PLC0415

    write_calibration(key, Calibration((1.0,)))

    other = find_track(str(variant(epochs=3)))
    assert read_calibration(key._replace(track=other)) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xff",
        b"[]",
        b"{}",
        b"null",
        b'{"retraining_seconds": []}',
        b'{"retraining_seconds": 3}',
        b'{"retraining_seconds": ["x"]}',
        b'{"retraining_seconds": [null]}',
        b'{"retraining_seconds": [0]}',
        b'{"retraining_seconds": [-1]}',
        b'{"retraining_seconds": [NaN]}',
        b'{"retraining_seconds": [Infinity]}',
    ],
)
def test_a_damaged_one_counts_as_none(key, content):
    write_calibration(key, Calibration((1.0,)))
    key.path.write_bytes(content)

    assert read_calibration(key) is None


def test_its_file_says_where_it_was_measured(key):
    write_calibration(key, Calibration((1.0,)))

    content = json.loads(key.path.read_text())
    assert content["track"] == "tiny"
    assert "torch" in content["machine"]


def test_every_worker_measures_equally_often_and_three_times_at_least():
    assert [calibration_runs(j) for j in (1, 2, 3, 4, 16)] == [3, 4, 3, 4, 16]


def test_the_oracle_is_the_shipped_retraining():
    assert oracle_path().name == "retrain.py"
    assert oracle_path().is_file()


def usage(cpu, wall):
    return Usage(cpu, wall, 0)


def test_a_retraining_that_had_its_core_did_not_wait():
    assert share_waited([usage(6.0, 6.0), usage(6.1, 6.2)]) < 0.02


def test_a_retraining_that_shared_its_core_says_how_much_it_waited():
    waited = share_waited([usage(6.0, 12.0), usage(6.0, 9.0), usage(6.0, 15.0)])

    assert waited == 0.5
    assert Calibration((6.0,), waited).busy


def test_runs_too_short_to_tell_are_not_called_waiting():
    assert share_waited([usage(0.1, 0.5), usage(0.9, 3.0)]) == 0.0
    assert not Calibration((0.1,), 0.0).busy


def test_by_the_clock_a_machine_is_busy_where_retrainings_differ():
    assert share_slowed([2.0, 2.0, 2.1]) == 0.0
    assert share_slowed([1.0, 2.0, 2.5]) == 0.5
    assert Calibration((1.0, 2.0, 2.5), share_slowed([1.0, 2.0, 2.5])).busy
