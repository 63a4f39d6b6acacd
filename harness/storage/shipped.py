"""Find the files that travel with the package: tracks, banks and baselines."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped_root() -> Path:
    """Folder that holds ``submissions/`` and ``reference_models/``.

    An installed wheel carries them inside the package; a checkout has them
    beside it.
    """
    inside = _PACKAGE / "_shipped"
    return inside if inside.is_dir() else _PACKAGE.parent


def shipped_submissions() -> Path:
    """Folder of the baselines, one file each."""
    return shipped_root() / "submissions"


def shipped_tracks() -> Path:
    """Folder of the tracks: ``<name>/track.toml`` and, where shipped, a bank."""
    return shipped_root() / "reference_models"
