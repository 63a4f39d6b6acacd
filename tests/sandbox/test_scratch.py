"""Scratch folders go with their process, however it ends."""

import os
import signal
import subprocess
import sys

import pytest

from harness.sandbox.host.scratch import PREFIX, ScratchFolder, remove_abandoned

HOLDER = """
import signal, sys
from pathlib import Path
from harness.sandbox.host.scratch import ScratchFolder
folder = ScratchFolder(Path(sys.argv[1]))
(folder.path / "deep" / "locked").mkdir(parents=True)
(folder.path / "deep" / "locked").chmod(0)
print(folder.path, flush=True)
signal.pause()
"""


@pytest.fixture
def killed(tmp_path):
    """A folder whose process was killed."""
    argv = [sys.executable, "-c", HOLDER, tmp_path]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        path = tmp_path / process.stdout.readline().strip()
        process.send_signal(signal.SIGKILL)
    assert path.is_dir()
    return path


def test_a_folder_is_private_and_goes_at_the_end(tmp_path):
    with ScratchFolder(tmp_path) as folder:
        (folder.path / "file").write_text("x")
        assert folder.path.stat().st_mode & 0o777 == 0o700
    folder.close()

    assert list(tmp_path.iterdir()) == []


def test_the_next_folder_removes_what_a_killed_process_left(tmp_path, killed):
    with ScratchFolder(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder.path]


def test_a_folder_in_use_is_left_alone(tmp_path):
    with ScratchFolder(tmp_path) as first, ScratchFolder(tmp_path) as second:
        remove_abandoned(tmp_path)
        assert first.path.is_dir()
        assert second.path.is_dir()


def test_what_is_not_a_scratch_folder_is_left_alone(tmp_path):
    """A name that could be a user's own, a file, and a link to somewhere else."""
    (tmp_path / "unlearn-eval-1.0").mkdir()
    (tmp_path / f"{PREFIX}abcdefgh").write_text("a file")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("x")
    (tmp_path / f"{PREFIX}linked__").symlink_to(tmp_path / "elsewhere")

    remove_abandoned(tmp_path)

    assert len(list(tmp_path.iterdir())) == 4
    assert (tmp_path / "elsewhere" / "precious").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_folder_is_left_alone(tmp_path, killed):
    os.chown(killed, 12345, 12345)

    remove_abandoned(tmp_path)

    assert killed.is_dir()
