"""Find a track by name or by the path of a TOML file."""

import difflib
import shlex
from dataclasses import replace
from pathlib import Path

from harness.errors import UsageError
from harness.storage.shipped import shipped_tracks
from harness.track.parsing import parse_track
from harness.track.schema import Track


def track_names() -> list[str]:
    """Names of the shipped tracks, sorted."""
    return sorted(path.parent.name for path in shipped_tracks().glob("*/track.toml"))


def find_track(name: str, *, split_seed: int | None = None) -> Track:
    """Load a shipped track by name, or a user's own from a ``.toml`` path.

    Parameters
    ----------
    name : str
        ``"cifar10-quick"`` or ``"my.toml"``.
    split_seed : int, optional
        Makes it a private split: the same track with another forget set, original
        model and bank.

    Raises
    ------
    UsageError
        If there is no such track (the nearest name is suggested), the file is not a
        valid track, or it lists its forget set and another seed is given.
    """
    is_shipped = name in track_names()
    path = shipped_tracks() / name / "track.toml" if is_shipped else Path(name)
    track = parse_track(_text(path, name), name, path.parent)
    folder = "" if is_shipped else str(path.parent.absolute())
    options = f"--track {shlex.quote(name)}"
    data = track.data
    if data.folder:
        data = replace(data, folder=str(Path(folder, data.folder).absolute()))
    if split_seed is not None:
        if data.forget_kind == "list" and split_seed != data.split_seed:
            raise UsageError(_same_for_all(name))
        data = replace(data, split_seed=split_seed)
        options += f" --split-seed {split_seed}"
    return replace(track, data=data, options=options, folder=folder)


def _text(path: Path, name: str) -> str:
    if path.suffix != ".toml" or not path.is_file():
        raise UsageError(_no_such_track(name))
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the track {name}: {error}.") from None


def _same_for_all(name: str) -> str:
    return (
        f"the track {name} lists the examples to forget, the same for every split "
        "seed, so that it has no private split; leave --split-seed away."
    )


def _no_such_track(name: str) -> str:
    if name.endswith(".toml"):
        return f"there is no file {name}; a track of your own is a TOML file."
    near = difflib.get_close_matches(name, track_names(), n=1, cutoff=0.3)
    hint = f"did you mean {near[0]!r}? " if near else ""
    known = ", ".join(track_names())
    return f"there is no track {name!r}: {hint}Tracks: {known}, or the path of a .toml."
