"""The seed of each run, and the organizer's secret that keys those of official runs.

A run knows its own seed, its source and the public rule of the other seeds; without a
secret it could work out which run it is, and return what just that run should.
"""

import hashlib
import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from harness.errors import CheckFailed
from harness.seeds import derive_seed
from harness.storage.cache import cache_root
from harness.storage.files import explained, make_folder
from harness.track.schema import Track

_N_BYTES = 32


def run_seeds(
    track: Track, sha256: str, seed: int, n_models: int, secret: bytes = b""
) -> list[int]:
    """Draw the seeds of an entry's N runs, each in ``[0, 2**63)``.

    They follow from (track, content, seed, index), and a track's hash holds its split
    seed. With a secret they are an HMAC of all that, and who does not hold it learns
    from one seed neither another nor the index.
    """
    parts = (track.hash, sha256, seed)
    public = [derive_seed("run", *parts, index) for index in range(n_models)]
    return [_keyed(number, secret) for number in public] if secret else public


def _keyed(number: int, secret: bytes) -> int:
    digest = hmac.digest(secret, number.to_bytes(8, "little"), hashlib.sha256)
    return int.from_bytes(digest[:8], "little") >> 1


def secret_name(secret: bytes) -> str:
    """Name a secret without giving it away; empty for none."""
    return hashlib.sha256(b"name" + secret).hexdigest()[:12] if secret else ""


def known_secret() -> bytes:
    """Read this user's secret if there is one, and make none; empty for none."""
    return organizers_secret() if (cache_root() / "secret").exists() else b""


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
