"""Where banks lie: shipped with the package, or built into a folder of the user's."""

from pathlib import Path

from harness.reference.bank import MANIFEST, bank_key
from harness.reference.shared import bank_place
from harness.storage.cache import cache_root
from harness.storage.objects import as_folder
from harness.storage.shipped import shipped_tracks
from harness.tasks.base import Task


def built_folder(task: Task, seed: int = 0) -> Path:
    """Folder where a track's bank is built: in the user's cache, or a chosen one."""
    return _built_folder(task.track.name, bank_key(task, seed))


def _built_folder(name: str, key: str) -> Path:
    place = bank_place()
    chosen = as_folder(place) if place else None
    return (chosen or cache_root() / "banks") / f"{name}-{key}"


def bank_folders(name: str, key: str) -> list[Path]:
    """Folders that hold a bank under the track's name, shipped first."""
    folders = [shipped_tracks() / name, _built_folder(name, key)]
    return [folder for folder in folders if (folder / MANIFEST).is_file()]
