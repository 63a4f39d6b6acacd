"""Find a bank: one shipped with the package, built here, or shared by its builders."""

from harness.errors import UsageError
from harness.reference.bank import ReferenceBank, bank_key, read_bank
from harness.reference.location import bank_folders
from harness.reference.packing import pack_shared
from harness.tasks.base import Task
from harness.track.schema import Track


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
