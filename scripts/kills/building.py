"""The build of a bank that is killed."""

import shutil
from pathlib import Path
from typing import Any

from harness.models.records import ModelRecord, read_record
from harness.reference.bank import MANIFEST, ORIGINALS, read_bank
from harness.reference.member import member_paths, read_original
from scripts.kills.place import Lost, Place, require
from scripts.kills.work import JOBS, N_MODELS, Work


class Building(Work):
    """A bank of six models and the original, two at a time."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._kept: dict[str, tuple[int, int]] = {}

    def words(self) -> list[str | Path]:
        """Build the bank."""
        how = ["-n", str(N_MODELS), "-j", str(JOBS), "--quiet"]
        return ["reference", "build", "--track", self.place.track, *how]

    def look(self) -> None:
        """Nothing kept has gone or was trained again, and every file is whole."""
        folder = self._folder()
        if folder is None:
            return
        if (folder / MANIFEST).exists():
            read_bank(folder)
            self._kept = {}
            return
        kept = {}
        for path in member_paths(folder):
            require(read_record(path, ModelRecord) is not None, f"{path} is damaged")
            kept[path.name] = _identity(path)
        for original in folder.glob("members/original-*"):
            require(read_original(original) is not None, f"{original} is damaged")
            kept[original.name] = _identity(original)
        require(kept.items() >= self._kept.items(), "models were lost or trained again")
        self._kept = kept

    def finished(self) -> dict[str, Any]:
        """All that does not depend on the clock."""
        folder = self._folder()
        if folder is None:
            raise Lost("there is no bank")
        names = sorted(path.name for path in folder.iterdir())
        require(len(names) == 3, f"there is more than a bank: {names}")
        bank = read_bank(folder)
        return {
            "seeds": bank.seeds,
            **vars(bank.retrained),
            **{f"original_{name}": a for name, a in vars(bank.original).items()},
            ORIGINALS: (folder / ORIGINALS).read_bytes(),
        }

    def clear(self) -> None:
        """Forget the bank."""
        shutil.rmtree(self.place.cache / "banks", ignore_errors=True)
        self._kept = {}

    def _folder(self) -> Path | None:
        found = [p for p in self.place.cache.glob("banks/*") if p.is_dir()]
        return found[0] if found else None


def _identity(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_ino, state.st_mtime_ns
