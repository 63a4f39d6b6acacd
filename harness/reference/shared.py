"""A bank that several builders share: its models as objects below an fsspec URL.

The address of an object says all that its model depends on, so whoever finds one need
not make it. It is put once and never replaced, and holds its own checksum: one that is
damaged counts as missing here, and is put again by whoever makes it anew.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from harness.errors import UsageError
from harness.models.records import ModelRecord
from harness.reference.member import kept_path
from harness.storage.checksums import checked_arrays
from harness.storage.files import write_atomic
from harness.storage.objects import Objects, as_folder

BANK_VARIABLE = "UNLEARN_EVAL_BANK"
_MEMBERS = "members"
_place: str | None = None


def use_bank(place: str | None) -> None:
    """Have banks lie at a folder or URL in this process; None for the user's own."""
    global _place  # noqa: PLW0603 - as the variable, it holds for the process
    _place = place


def bank_place() -> str:
    """Return the folder or URL at which banks lie, or nothing for the user's cache."""
    return _place or os.environ.get(BANK_VARIABLE, "")


class SharedBank:
    """The objects of one bank."""

    def __init__(self, objects: Objects, name: str) -> None:
        self._objects, self._name = objects, name

    def indices(self) -> set[int]:
        """Tell which retrained models are there."""
        return {int(n.partition(".")[0]) for n in self._names() if n[:1].isdecimal()}

    def exchange(self, folder: Path, indices: Iterable[int]) -> None:
        """Bring models here that are not kept here, and put there what is not there."""
        there, wanted = self._names(), []
        for index in indices:
            if not _is_kept(folder, index):
                wanted.append(index)
            elif kept_path(folder, index).name not in there:
                self.offer(folder, index)
        names = {self._object(folder, index): index for index in wanted}
        for name, content in self._objects.read(names).items():
            if _is_model(content, names[name]):
                write_atomic(kept_path(folder, names[name]), content)

    def offer(self, folder: Path, index: int) -> None:
        """Put a model that is kept here, unless there is a sound one."""
        name = self._object(folder, index)
        content = kept_path(folder, index).read_bytes()
        if not self._objects.put_if_absent(name, content):
            there = self._objects.read([name]).get(name, b"")
            if not _is_model(there, index):
                self._objects.put(name, content)

    def _names(self) -> set[str]:
        return self._objects.names(f"{self._name}/{_MEMBERS}")

    def _object(self, folder: Path, index: int) -> str:
        return f"{self._name}/{_MEMBERS}/{kept_path(folder, index).name}"


def shared_bank(name: str) -> SharedBank | None:
    """Find the bank of that name where banks are shared; None where they lie here."""
    place = bank_place()
    if not place or as_folder(place) is not None:
        return None
    return SharedBank(Objects(place), name)


def _is_kept(folder: Path, index: int) -> bool:
    path = kept_path(folder, index)
    return path.is_file() and _is_model(path.read_bytes(), index)


def _is_model(content: bytes, index: int) -> bool:
    """Whether bytes are a model, whole and of that place."""
    try:
        return ModelRecord.from_arrays(checked_arrays(content)).index == index
    except (KeyError, ValueError, TypeError, UsageError):
        return False
