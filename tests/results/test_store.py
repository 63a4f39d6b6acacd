"""A result folder: runs as they finish, then a result that nothing damages."""

import json

import pytest

from harness.errors import CheckFailed, UnlearnEvalError
from harness.models.records import RunRecord, read_record
from harness.results.schema import Result
from harness.results.store import ResultFolder, read_examples, run_path
from harness.status import Status
from tests.typed_results import run_record, same_record, typed_result


def result(status=Status.SCORED, n_models=3) -> Result:
    return typed_result(status=status, n_models=n_models)


RUNS = [run_record(i) for i in range(3)]
SEEDS = [r.seed for r in RUNS]


@pytest.fixture
def folder(tmp_path) -> ResultFolder:
    return ResultFolder(tmp_path / "method" / "abc-n3")


def test_a_run_comes_back_to_the_bit(folder):
    folder.keep_run(RUNS[1], "")

    assert same_record(read_record(run_path(folder.path, 1), RunRecord), RUNS[1])


def test_packed_runs_come_back_to_the_bit(folder):
    folder.write(result(), RUNS)

    for ours, theirs in zip(read_examples(folder.path), RUNS, strict=True):
        assert same_record(ours, theirs)
    found = folder.finished(SEEDS)
    assert all(same_record(found[i], RUNS[i]) for i in range(3))


@pytest.mark.parametrize("content", [b"", b"x", None])
def test_a_missing_or_damaged_run_is_none(tmp_path, content):
    if content is not None:
        run_path(tmp_path, 0).parent.mkdir()
        run_path(tmp_path, 0).write_bytes(content)

    assert read_record(run_path(tmp_path, 0), RunRecord) is None


def test_a_kept_run_of_another_seed_or_place_is_not_found(folder):
    folder.keep_run(RUNS[0], "")
    path = run_path(folder.path, 1)
    path.write_bytes(run_path(folder.path, 0).read_bytes())

    assert sorted(folder.finished(SEEDS)) == [0]
    assert folder.finished([7, *SEEDS[1:]]) == {}


def test_runs_are_found_whether_packed_or_kept_one_by_one(folder):
    folder.write(result(n_models=2), RUNS[:2])
    folder.keep_run(RUNS[2], "")

    assert sorted(folder.finished(SEEDS)) == [0, 1, 2]


def test_runs_of_the_same_submission_at_another_n_are_found(folder):
    other = ResultFolder(folder.path.with_name("abc-n2"))
    other.write(result(n_models=2), RUNS[:2])
    stranger = ResultFolder(folder.path.with_name("xyz-n3"))
    stranger.write(result(), RUNS)

    assert sorted(folder.finished(SEEDS)) == [0, 1]


def test_runs_of_other_seeds_are_not_found(folder):
    folder.write(result(), RUNS)

    assert sorted(folder.finished([SEEDS[0], 5, SEEDS[2]])) == [0, 2]


def test_a_failed_attempt_stands_beside_a_scored_one(folder):
    folder.write(result(), RUNS)
    before = (folder.path / "result.json").read_bytes()

    folder.write(result(Status.ERROR))

    assert (folder.path / "result.json").read_bytes() == before
    assert folder.read_result().status == Status.SCORED
    failure = json.loads((folder.path / "last-failure.json").read_text())
    assert failure["status"] == "error"


def test_a_scored_attempt_replaces_a_failed_one(folder):
    folder.write(result(Status.ERROR))
    folder.write(result(), RUNS)

    assert folder.read_result().status == Status.SCORED


def test_a_failure_keeps_the_runs_that_were_finished(folder):
    folder.keep_run(RUNS[0], "")
    folder.write(result(Status.ERROR))

    assert sorted(folder.finished(SEEDS)) == [0]


def test_sound_files_are_named(folder):
    folder.write(result(), RUNS)

    assert folder.check() == {"examples.npz", "models.csv"}


@pytest.mark.parametrize("name", ["examples.npz", "models.csv"])
def test_a_changed_file_fails_the_check_and_its_runs_are_not_used(folder, name):
    folder.write(result(), RUNS)
    path = folder.path / name
    path.write_bytes(path.read_bytes() + b" ")

    with pytest.raises(CheckFailed, match=f"{name} is not the file that was written"):
        folder.check()
    assert folder.finished(SEEDS) == {}


def test_a_full_disk_in_the_middle_leaves_the_old_result_whole(folder, monkeypatch):
    folder.write(result(), RUNS)
    left = 1

    def fill(descriptor):
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.storage.files.os.fsync", fill)
    with pytest.raises(UnlearnEvalError, match="the disk is full"):
        folder.write(result(), [run_record(i, seed=9) for i in range(3)])

    names = [path.name for path in folder.path.iterdir()]
    assert not [name for name in names if name.startswith(".")]
    assert folder.read_result().status == Status.SCORED
    # The first file is new, the sums are old: noticed, and done again.
    assert folder.finished(SEEDS) == {}


def test_nothing_is_kept_of_a_run_that_printed_nothing(folder):
    folder.keep_run(RUNS[0], "")
    folder.keep_run(RUNS[1], "words\n")

    outputs = sorted((folder.path / "output").iterdir())
    assert [path.name for path in outputs] == ["00001.txt"]


def test_kept_runs_can_be_forgotten(folder):
    folder.keep_run(RUNS[0], "")
    folder.forget()
    folder.forget()

    assert folder.finished(SEEDS) == {}


def test_a_table_that_was_written_by_another_hand_is_not_used(folder):
    """Right sums, wrong content: of an older version, say."""
    folder.write(result(), RUNS)
    path = folder.path / "result.json"
    content = json.loads(path.read_text())
    (folder.path / "models.csv").write_text("index,seed\n0,1\n")
    from harness.storage.files import sha256_of  # noqa: PLC0415

    content["files"]["models.csv"] = sha256_of(b"index,seed\n0,1\n")
    path.write_text(json.dumps(content))

    assert folder.finished(SEEDS) == {}
