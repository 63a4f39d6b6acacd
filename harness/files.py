"""Write files so that they are whole or not there at all."""

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from harness.errors import UnlearnEvalError, UsageError

_USERS_TO_MEND = (
    errno.EACCES,
    errno.EROFS,
    errno.EPERM,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENAMETOOLONG,
)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write into one sentence with the remedy."""
    try:
        yield
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
        raise


def make_folder(path: Path) -> Path:
    """Make a folder and its parents; a refusal is explained."""
    with explained(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def write_atomic(path: Path, content: bytes | str) -> None:
    """Write a file whole: a reader, and a crash, see the old file or the new one.

    Raises
    ------
    UsageError
        If the folder cannot be written.
    UnlearnEvalError
        If the disk is full.
    """
    data = content.encode() if isinstance(content, str) else content
    make_folder(path.parent)
    with explained(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(name).unlink()
            raise


def to_json(value: Any) -> str:
    """Write JSON with sorted structure as given, two spaces, and no NaN.

    Raises
    ------
    ValueError
        If a number is NaN or infinite.
    """
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def sha256_of(content: bytes) -> str:
    """Hex SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()
