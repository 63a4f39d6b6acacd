"""One process at a time."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

WAITING = "waiting for another unlearn-eval process..."


@contextmanager
def only_one(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold an advisory lock; a process that dies lets go of it.

    Parameters
    ----------
    path : Path
        The lock's file, made where it is missing and left behind.
    say : callable
        Told, once, that another process holds the lock.

    Raises
    ------
    OSError
        When the file cannot be opened or the file system has no locks.
    """
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(WAITING)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
