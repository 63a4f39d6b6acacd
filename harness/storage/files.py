"""Write files so that they are whole or not there at all."""

import errno
import fcntl
import glob
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from harness.errors import UnlearnEvalError, UsageError

#: How often another process may remove a folder while a file is put into it.
_ATTEMPTS = 5
_USERS_TO_MEND = (
    errno.EACCES,
    errno.EROFS,
    errno.EPERM,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENAMETOOLONG,
)


class Follower(Protocol):
    """Does elsewhere what is done to files here, to those that it cares for."""

    def written(self, path: Path, content: bytes) -> None:
        """Hear that a file has been written."""

    def removed(self, folder: Path) -> None:
        """Hear that a folder is to be removed, with all that is in it."""


#: Who hears of what is written and removed.
FOLLOWERS: list[Follower] = []


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write into one sentence with the remedy."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UnlearnEvalError(
                f"the disk is full, so {path} could not be written; free some space "
                "and run the same command again: nothing finished is lost."
            ) from None
        if error.errno in _USERS_TO_MEND:
            raise UsageError(
                f"cannot write {path} ({error.strerror}); choose another place: "
                "--output for results, UNLEARN_EVAL_CACHE for what is kept between "
                "runs."
            ) from None
        raise UnlearnEvalError(
            f"{path} could not be written ({error.strerror}); run the same command "
            "again when that is mended: nothing finished is lost."
        ) from None


def make_folder(path: Path) -> Path:
    """Make a folder and its parents; a refusal is explained."""
    with explained(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def write_atomic(path: Path, content: bytes | str) -> None:
    """Write a file whole: a reader, and a crash, see the old file or the new one."""
    data = content.encode() if isinstance(content, str) else content
    for attempt in range(_ATTEMPTS):
        try:
            make_folder(path.parent)
            with explained(path):
                _replace(path, data)
            break
        except FileNotFoundError:
            # Another process has just removed the folder, being done with it.
            if attempt + 1 == _ATTEMPTS:
                raise
    for follower in FOLLOWERS:
        follower.written(path, data)


def remove_folder(path: Path) -> None:
    """Remove a folder, if it is there, with all that is in it."""
    for follower in FOLLOWERS:
        follower.removed(path)
    shutil.rmtree(path, ignore_errors=True)


def _replace(path: Path, data: bytes) -> None:
    _remove_abandoned(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            with suppress(OSError):  # A file system may have no locks.
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def _remove_abandoned(path: Path) -> None:
    """Remove what killed processes have left of earlier attempts to write a file."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.????????"):
        with suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


@contextmanager
def held_folder(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold a folder while several of its files change together, or are read together.

    A process that dies lets go of it; a folder that is not there is held by nobody.
    `shared` holds it together with other readers.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        with suppress(OSError):  # A file system may have no locks.
            fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def to_json(value: Any) -> str:
    """Write JSON in the order given; NaN and infinity are a ValueError."""
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def sha256_of(content: bytes) -> str:
    """Hex SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()
