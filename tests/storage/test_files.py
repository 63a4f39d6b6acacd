"""Files are written whole or not at all, and a refusal says what to do."""

import errno
import json
import os
from pathlib import Path

import pytest

from harness.errors import ExitCode, UnlearnEvalError, UsageError
from harness.storage.files import make_folder, to_json, write_atomic


@pytest.fixture
def full_disk(monkeypatch):
    """A disk that takes some bytes and then is full, as ``/dev/full`` is."""

    def refuse(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)


def test_text_and_bytes_are_written_with_their_folders(tmp_path):
    write_atomic(tmp_path / "a" / "b" / "text", "é\n")
    write_atomic(tmp_path / "bytes", b"\x00")

    assert (tmp_path / "a" / "b" / "text").read_text() == "é\n"
    assert (tmp_path / "bytes").read_bytes() == b"\x00"


def test_a_file_is_replaced_and_others_may_read_it(tmp_path):
    path = tmp_path / "file"
    write_atomic(path, "old")
    write_atomic(path, "new")

    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, full_disk):
    (tmp_path / "file").write_text("old")

    with pytest.raises(UnlearnEvalError) as caught:
        write_atomic(tmp_path / "file", "new")

    assert "the disk is full" in str(caught.value)
    assert "run the same command again" in str(caught.value)
    assert caught.value.exit_code == ExitCode.OUR_FAILURE
    assert (tmp_path / "file").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_device_that_is_full_is_told_in_the_same_words(monkeypatch, tmp_path):
    """The kernel's own refusal, not one of ours."""
    monkeypatch.setattr(os, "fdopen", lambda fd, mode: _full(fd))

    with pytest.raises(UnlearnEvalError, match="the disk is full"):
        write_atomic(tmp_path / "file", bytes(1 << 20))

    assert list(tmp_path.iterdir()) == []


def _full(descriptor):
    os.close(descriptor)
    return Path("/dev/full").open("wb")


def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("old")

    def interrupt(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "file", "new")

    assert (tmp_path / "file").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("where", ["taken", "taken/below", "taken/deep/below"])
def test_a_file_where_a_folder_belongs_is_the_users_mistake(tmp_path, where):
    (tmp_path / "taken").write_text("")

    with pytest.raises(UsageError, match=r"cannot write .*taken.*; choose another"):
        make_folder(tmp_path / where)
    with pytest.raises(UsageError, match="cannot write"):
        write_atomic(tmp_path / where / "file", "x")


def test_a_folder_where_a_file_belongs_is_the_users_mistake(tmp_path):
    (tmp_path / "taken").mkdir()

    with pytest.raises(UsageError, match=r"cannot write .*taken"):
        write_atomic(tmp_path / "taken", "x")

    assert list((tmp_path / "taken").parent.iterdir()) == [tmp_path / "taken"]


@pytest.mark.parametrize("code", ["EACCES", "EROFS", "EPERM"])
def test_a_refusal_of_the_system_is_the_users_to_mend(tmp_path, monkeypatch, code):
    def refuse(*args, **kwargs):
        raise OSError(getattr(errno, code), os.strerror(getattr(errno, code)))

    monkeypatch.setattr("tempfile.mkstemp", refuse)

    with pytest.raises(UsageError, match="cannot write"):
        write_atomic(tmp_path / "file", "x")


def test_a_name_too_long_is_the_users_mistake(tmp_path):
    with pytest.raises(UsageError, match="cannot write"):
        make_folder(tmp_path / ("x" * 300))


def test_json_is_readable_and_keeps_its_order():
    text = to_json({"b": 1, "a": "é"})

    assert text == '{\n  "b": 1,\n  "a": "é"\n}\n'
    assert json.loads(text) == {"b": 1, "a": "é"}


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_never_holds_what_is_no_number(number):
    with pytest.raises(ValueError, match="JSON"):
        to_json({"x": [number]})
