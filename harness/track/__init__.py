"""The track: what is trained, forgotten and measured, frozen and hashed."""

from harness.track.registry import find_track, track_names
from harness.track.schema import DataSpec, EvaluationSpec, NetworkSpec, Recipe, Track

__all__ = [
    "DataSpec",
    "EvaluationSpec",
    "NetworkSpec",
    "Recipe",
    "Track",
    "find_track",
    "track_names",
]
