"""Where banks lie: shipped with the package, or built into the user's cache."""

from pathlib import Path

from harness.data import cache_root
from harness.errors import UsageError
from harness.reference.bank import MANIFEST, ReferenceBank, bank_key, read_bank
from harness.shipped import shipped_tracks
from harness.track.schema import Track


def built_folder(track: Track, seed: int = 0) -> Path:
    """Folder in the user's cache where a track's bank is built."""
    return cache_root() / "banks" / f"{track.name}-{bank_key(track, seed)}"


def candidate_folders(track: Track, seed: int = 0) -> list[Path]:
    """Folders that may hold the track's bank, those that do, shipped first."""
    folders = [shipped_tracks() / track.name, built_folder(track, seed)]
    return [folder for folder in folders if (folder / MANIFEST).is_file()]


def find_bank(track: Track, *, at_least: int = 1, seed: int = 0) -> ReferenceBank:
    """Read the track's bank.

    Parameters
    ----------
    track : Track
        Whose bank.
    at_least : int
        Members that are needed.
    seed : int
        Seed that the bank was built with.

    Raises
    ------
    UsageError
        If there is none, or it has too few members; the message says how to build it.
    CheckFailed
        If it is damaged.
    """
    key, largest = bank_key(track, seed), 0
    for folder in candidate_folders(track, seed):
        bank = read_bank(folder)
        if bank.key != key:
            continue
        if len(bank) >= at_least:
            return bank
        largest = max(largest, len(bank))
    found = f"has {largest} retrained models, not {at_least}" if largest else "is empty"
    raise UsageError(
        f"the reference bank of {track.name} {found}; build it with: "
        f"unlearn-eval reference build {track.options} -n {at_least}."
    )
