"""Whatever write fails, it is told in one sentence, and a second run completes."""

import errno
import json
import os
import resource
import sys
from itertools import count

import numpy as np
import pytest

from harness.errors import UnlearnEvalError
from harness.results.store import EXAMPLES, RESULT, ResultFolder
from harness.sandbox import Level, Sandbox


@pytest.fixture
def refuse(monkeypatch):
    """Lets a function fail the n-th time while something is done; returns how often
    it was called."""

    def make(function: str, code: str, nth: int, action):
        module, _, name = function.rpartition(".")
        original, calls = getattr(sys.modules[module], name), []
        number = getattr(errno, code)

        def refusing(*args, **kwargs):
            calls.append(name)
            if len(calls) == nth:
                raise OSError(number, os.strerror(number))
            return original(*args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(function, refusing)
            return action(), len(calls)

    return make


@pytest.fixture
def scoring(cli, executor, method, track_file):
    """Scores two runs into a folder."""

    def score(output):
        words = ("--track", track_file, "-n", "2", "-o", output, "--isolation", "none")
        return cli("score", method, *words)

    return score


def numbers(output) -> dict:
    (path,) = output.glob(f"tiny/method/*/{RESULT}")
    ResultFolder(path.parent).check()
    with np.load(path.parent / EXAMPLES) as arrays:
        found = {key: arrays[key].tobytes() for key in arrays.files}
    return found | {"epsilon": json.loads(path.read_text())["epsilon"]}


def is_one_sentence(words: str) -> bool:
    lines = [line for line in words.splitlines() if line.startswith("Error: ")]
    return len(lines) == 1 and "Traceback" not in words


@pytest.mark.parametrize("code", ["ENOSPC", "EIO"])
def test_whatever_write_fails_the_second_run_has_the_same_numbers(
    scoring, refuse, tmp_path, code
):
    scoring(tmp_path / "sound")
    wanted = numbers(tmp_path / "sound")

    for nth in count(1):
        output = tmp_path / f"refused-{nth}"
        first, calls = refuse("os.fsync", code, nth, lambda out=output: scoring(out))
        if calls < nth:
            break
        assert first.code == 1
        assert is_one_sentence(first.err), first.err
        second = scoring(output)
        assert second.code == 0, second.err
        assert numbers(output) == wanted
        hidden = [p.name for p in output.rglob(".*")]
        assert hidden == []

    # A source, two runs, and what a result is made of.
    assert nth > 6


def test_an_output_that_cannot_be_written_is_the_users_to_mend(
    scoring, refuse, tmp_path
):
    for nth in count(1):
        output = tmp_path / f"refused-{nth}"
        ended, calls = refuse(
            "tempfile.mkstemp", "EROFS", nth, lambda out=output: scoring(out)
        )
        if calls < nth:
            break
        assert ended.code == 2
        assert "choose another place: --output" in ended.err
        assert is_one_sentence(ended.err), ended.err
        assert list(output.rglob(RESULT)) == []

    assert nth > 6


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_the_users_to_mend(scoring, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o555)

    ended = scoring(tmp_path / "closed" / "runs")

    assert ended.code == 2
    assert "choose another place: --output" in ended.err


def test_a_full_scratch_disk_is_told_and_leaves_nothing(
    open_executor, refuse, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("harness.execution.local.RunWorker", _refuse_to_start)

    def start() -> BaseException:
        with pytest.raises((UnlearnEvalError, _Started)) as caught:
            open_executor(1, Sandbox(Level.NONE))
        assert list(tmp_path.iterdir()) == []
        return caught.value

    for nth in count(1):
        # Every file that is written with pathlib is opened by it.
        error, calls = refuse("io.open", "ENOSPC", nth, start)
        if calls < nth:
            break
        assert "the disk is full" in str(error)

    assert isinstance(error, _Started)
    assert nth == 7  # Three files of the runs, and three of the evaluator.


class _Started(Exception):
    """All was written."""


def _refuse_to_start(*_: object, **_options: object) -> None:
    raise _Started


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no file size limit")
@pytest.mark.parametrize("limit", [4096, 1 << 16])
def test_a_refusal_of_the_kernel_itself_is_told(cli, bank, method, track_file, limit):
    words = ["score", method, "--track", track_file, "-o", method.parent / "runs"]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        ended = cli(*words, "--isolation", "none")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert ended.code == 1
    assert is_one_sentence(ended.err), ended.err
    assert "could not be written" in ended.err
