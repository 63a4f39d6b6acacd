"""The organizer's secret, from which the seeds of official runs follow.

A run knows its own seed, its source and the public rule of the other seeds; without a
secret it could work out which run it is, and return what just that run should.
"""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from harness.errors import CheckFailed
from harness.storage.cache import cache_root
from harness.storage.files import explained, make_folder

_N_BYTES = 32


def organizers_secret() -> bytes:
    """Read this user's secret, ``secret`` in the cache folder; make it at first use.

    Whoever holds a copy of it gets the same seeds on another machine.

    Raises
    ------
    CheckFailed
        If the file is not a secret of ours.
    """
    path = make_folder(cache_root()) / "secret"
    with explained(path):
        if not path.exists():
            _make(path)
        secret = path.read_bytes()
    if len(secret) != _N_BYTES:
        raise CheckFailed(
            f"{path} does not hold the {_N_BYTES} bytes of a secret; put your copy "
            "back, or remove it: then official scores get new seeds."
        )
    return secret


def _make(path: Path) -> None:
    """Write a new secret, whole; where another process was first, its own stays."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".secret-")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_N_BYTES))
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
