"""Two harnesses at once in one place: both end well, and there is one right result."""

import fcntl
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest

from harness.models.records import RunRecord
from harness.reference.bank import read_bank
from harness.reference.location import built_folder
from harness.results.schema import Result
from harness.results.store import ResultFolder, read_examples
from harness.storage.files import write_atomic
from harness.storage.lock import WAITING
from harness.tasks.registry import find_task
from tests.forking import forked
from tests.typed_results import measured, number, run_record, typed_result


def start(*words: object) -> "subprocess.Popen[str]":
    return forked.Popen(
        [sys.executable, *forked.COMMAND, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_scorings_into_one_folder_end_with_one_right_result(
    executor, cli, method, track_file
):
    where = ("--track", track_file, "-j", 1, "--isolation", "none")
    words = ("score", method, *where, "-o", method.parent / "both")
    both = [start(*words) for _ in range(2)]
    ends = [process.communicate() for process in both]
    for process, (_, err) in zip(both, ends, strict=True):
        assert process.returncode == 0, err
    cli("score", method, *where, "-o", method.parent / "alone")

    folders = [
        found
        for name in ("both", "alone")
        for found in (method.parent / name).glob("tiny/method/*")
    ]
    assert len(folders) == 2
    ours, alone = (read_examples(folder) for folder in folders)
    ResultFolder(folders[0]).check()
    assert not (folders[0] / "runs").exists()
    assert [r.weights_sha256 for r in ours] == [r.weights_sha256 for r in alone]
    assert list(folders[0].rglob(".*")) == []


def result_and_runs(cost: float) -> tuple[Result, list[RunRecord]]:
    """As two harnesses have them: the same numbers at another cost."""
    runs = [run_record(index, seed=index, cpu_seconds=cost) for index in range(3)]
    return typed_result(metrics=measured(score=number(cost))), runs


def test_a_result_that_many_write_at_once_is_whole_whenever_it_is_read(tmp_path):
    folder, errors = tmp_path / "method" / "a-n3", []
    ResultFolder(folder).write(*result_and_runs(1.0))

    def write(cost: float) -> None:
        try:
            for _ in range(15):
                result, runs = result_and_runs(cost)
                own = ResultFolder(folder)
                own.keep_run(runs[0], "printed")
                own.write(result, runs)
        except BaseException as error:
            errors.append(error)

    writers = [threading.Thread(target=write, args=(cost,)) for cost in (2.0, 3.0)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        ResultFolder(folder).check()
        assert len(ResultFolder(folder).finished([0, 1, 2])) == 3
    for writer in writers:
        writer.join()

    assert errors == []
    (cost,) = {run.cpu_seconds for run in read_examples(folder)}
    found = ResultFolder(folder).read_result()
    assert found.metrics.score.value == cost


@pytest.mark.parametrize("moment", ["tempfile.mkstemp", "os.fsync"])
def test_a_file_is_written_though_its_folder_is_removed_meanwhile(
    tmp_path, monkeypatch, moment
):
    """As that of the kept runs is, when the other harness has its result."""
    module, _, name = moment.partition(".")
    original, calls = getattr(sys.modules[module], name), []

    def remove_and_go_on(*args, **kwargs):
        calls.append(moment)
        if len(calls) == 1:
            shutil.rmtree(tmp_path / "runs")
        return original(*args, **kwargs)

    monkeypatch.setattr(moment, remove_and_go_on)

    write_atomic(tmp_path / "runs" / "file", b"content")

    assert len(calls) == 2
    assert (tmp_path / "runs" / "file").read_bytes() == b"content"
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_a_second_build_of_a_bank_waits_and_finds_it_built(
    bank, track, own_cache, track_file
):
    folder = built_folder(find_task(track))
    folder.parent.mkdir(parents=True)
    lock = folder.with_name(f"{folder.name}.lock")
    with lock.open("ab") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        second = start("reference", "build", "--track", track_file, "-n", 8)
        assert second.stderr.readline() == f"{WAITING}\n"
        shutil.copytree(bank.folder, folder)
        times = {path: path.stat().st_mtime_ns for path in folder.iterdir()}

    out, err = second.communicate()

    assert second.returncode == 0, err
    assert f"bank {bank.key}" in out
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == times
    assert not (folder / "members").exists()


def test_two_builds_of_a_bank_at_once_train_each_model_once(
    bank, track, own_cache, track_file
):
    words = ("reference", "build", "--track", track_file, "-n", 4, "-j", 1)
    both = [start(*words) for _ in range(2)]
    ends = [process.communicate() for process in both]

    for process, (out, err) in zip(both, ends, strict=True):
        assert process.returncode == 0, err
        assert f"bank {bank.key}" in out
    # Whoever waited, or came after, has nothing to say of training.
    trained = [err for _, err in ends if "4 of 4" in err]
    assert len(trained) == 1
    built = read_bank(built_folder(find_task(track)))
    assert np.array_equal(
        built.retrained.forget_confidence, bank.retrained.forget_confidence[:4]
    )
