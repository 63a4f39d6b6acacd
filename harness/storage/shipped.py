"""Find the files that travel with the package: tracks, banks and baselines."""

import hashlib
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_INSIDE = _PACKAGE / "_shipped"


def shipped_root() -> Path:
    """Folder that holds ``submissions/`` and ``reference_models/``.

    An installed wheel carries them inside the package; a checkout has them
    beside it.
    """
    return _INSIDE if _INSIDE.is_dir() else _PACKAGE.parent


def shipped_submissions() -> Path:
    """Folder of the baselines, one file each."""
    return shipped_root() / "submissions"


def shipped_tracks() -> Path:
    """Folder of the tracks: ``<name>/track.toml`` and, where shipped, a bank."""
    return shipped_root() / "reference_models"


@cache
def package_digest() -> str:
    """Digest of this package's code, and of the oracle that costs are held against."""
    own = (p for p in _PACKAGE.rglob("*.py") if _INSIDE not in p.parents)
    digest = hashlib.sha256()
    for path in (*sorted(own), shipped_submissions() / "retrain.py"):
        digest.update(f"{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def own_submissions() -> Path:
    """Folder ``submissions/`` of the checkout that one stands in, with its leaderboard.

    Outside of any, that of the checkout which the package is in; an installed wheel
    has no leaderboard and is not to be written into, so that it is the working
    directory's then.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "submissions" / "leaderboard").is_dir():
            return folder / "submissions"
    return (here if _INSIDE.is_dir() else _PACKAGE.parent) / "submissions"
