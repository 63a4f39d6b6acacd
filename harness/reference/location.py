"""Where banks lie: shipped with the package, or built into a folder of the user's."""

from pathlib import Path

from harness.errors import UsageError
from harness.reference.bank import MANIFEST, ReferenceBank, bank_key, read_bank
from harness.reference.shared import bank_place
from harness.storage.cache import cache_root
from harness.storage.objects import as_folder
from harness.storage.shipped import shipped_tracks
from harness.tasks.base import Task
from harness.track.schema import Track


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


def _banks(name: str, key: str) -> list[ReferenceBank]:
    banks = [read_bank(folder) for folder in bank_folders(name, key)]
    return [bank for bank in banks if bank.key == key]


def find_bank(task: Task, *, at_least: int = 1, seed: int = 0) -> ReferenceBank:
    """Read the track's bank.

    Parameters
    ----------
    task : Task
        Whose bank.
    at_least : int
        Members that are needed.
    seed : int
        Seed that the bank was built with.

    Raises
    ------
    UsageError
        If there is none so large; the message says how to build it.
    CheckFailed
        If it is damaged.
    """
    from harness.reference.build import pack_shared  # noqa: PLC0415 - it imports this

    largest = 0
    for bank in _banks(task.track.name, bank_key(task, seed)):
        if len(bank) >= at_least:
            return bank
        largest = max(largest, len(bank))
    shared = pack_shared(task, seed)
    if shared is not None and len(shared) >= at_least:
        return shared
    raise UsageError(_too_small(task.track, at_least, largest))


def find_largest_bank(task: Task) -> ReferenceBank:
    """Read the track's bank with the most members, shipped or built."""
    banks = _banks(task.track.name, bank_key(task, 0))
    if not banks:
        raise UsageError(_too_small(task.track, 1, 0))
    return max(banks, key=len)


def find_bank_of_results(name: str, key: str, n_models: int) -> ReferenceBank:
    """Read the bank of stored results, by their words: the track's file may be gone."""
    for bank in _banks(name, key):
        if len(bank) >= n_models:
            return bank
    raise UsageError(
        f"the reference bank {key} of {name}, which the results were measured with, is "
        "not here; build it again with: unlearn-eval reference build."
    )


def _too_small(track: Track, at_least: int, largest: int) -> str:
    found = (
        f"has {largest} retrained models, not {at_least}" if largest else "is not built"
    )
    command = f"unlearn-eval reference build {track.options}"
    if at_least > track.evaluation.bank_size:
        command += f" -n {at_least}"
    return f"the reference bank of {track.name} {found}; build it with: {command}."
