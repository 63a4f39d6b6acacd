"""A track as another process is handed it, without what is secret or only local."""

from dataclasses import asdict, replace
from typing import Any

from harness.track.schema import Track


def public_track(track: Track) -> Track:
    """Take out the data's place, and the split seed, which may be a secret."""
    data = replace(track.data, split_seed=0, folder="")
    return replace(track, data=data, options="")


def track_document(track: Track) -> dict[str, Any]:
    """Return the TOML document of a track."""
    document = asdict(track)
    for words in ("options", "folder"):
        document.pop(words)
    document["data"]["options"] = dict(track.data.options)
    return document
