"""Scratch folders that go with their process, however it ends.

A killed process cannot tidy up. So a folder is held by a lock that dies with its
process, and whoever makes the next one removes those that nobody holds.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.processes.lifetime import Closing
from harness.sandbox.child.removal import empty_folder

PREFIX = "unlearn-eval-scratch-"
# What `tempfile.mkdtemp` puts behind it.
_PATTERN = f"{PREFIX}????????"


class ScratchFolder(Closing):
    """A folder, by default in the system's place for temporary files."""

    def __init__(self, parent: Path | None = None) -> None:
        parent = Path(tempfile.gettempdir()) if parent is None else parent
        remove_abandoned(parent)
        self.path, self._lock = _make(parent)

    def close(self) -> None:
        """Remove the folder; safe to repeat."""
        if self._lock >= 0:
            _remove(self.path)
            os.close(self._lock)
            self._lock = -1


def remove_abandoned(parent: Path) -> None:
    """Remove our user's scratch folders whose processes are gone."""
    for path in parent.glob(_PATTERN):
        with suppress(OSError), _held(path) as owner:
            if owner == os.geteuid():
                _remove(path)


def _remove(path: Path) -> None:
    # What something still writes into is left to the next start.
    with suppress(OSError):
        empty_folder(path)
        path.rmdir()


def _make(parent: Path) -> tuple[Path, int]:
    """Make a folder and lock it; another one if it was swept away in between."""
    while True:
        path = Path(tempfile.mkdtemp(dir=parent, prefix=PREFIX))
        with suppress(FileNotFoundError):
            lock = _opened(path)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists():
                return path, lock
            os.close(lock)


@contextmanager
def _held(path: Path) -> Iterator[int]:
    """Hold a folder that nobody holds, or fail; give its owner."""
    lock = _opened(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield os.fstat(lock).st_uid
    finally:
        os.close(lock)


def _opened(path: Path) -> int:
    # No link is followed: anyone may put one into a shared temporary folder.
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
