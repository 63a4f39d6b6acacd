"""A command that is killed again and again, and what must hold of it."""

import csv
import json
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from harness.results.store import RESULT, ResultFolder
from harness.storage.checksums import checked_arrays
from scripts.kills.place import Lost, Place, require

JOBS, N_MODELS = 2, 6


class Work(ABC):
    """A command that is killed again and again."""

    def __init__(self, place: Place) -> None:
        self.place = place

    @contextmanager
    def started(self) -> Iterator["subprocess.Popen[str]"]:
        """Start the command."""
        with self.place.start(self.words()) as command:
            yield command

    def strike(self, command: "subprocess.Popen[str]") -> bool:
        """Kill; return whether there was still something to kill."""
        command.kill()
        command.communicate()
        return command.returncode != 0

    def unkilled(self) -> tuple[float, dict[str, Any]]:
        """Seconds and numbers of a command that nobody kills."""
        self.clear()
        start = time.monotonic()
        self.one_life(iter(()), 0)
        return time.monotonic() - start, self.finished()

    def one_life(self, moments: Iterator[float], most: int) -> tuple[int, bool]:
        """Start the command and strike it, at most so often.

        Returns how often, and whether the command came to its end.
        """
        struck, words = 0, ""
        with self.started() as command:
            while command.returncode is None:
                seconds = next(moments) if struck < most else None
                try:
                    _, words = command.communicate(timeout=seconds)
                except subprocess.TimeoutExpired:
                    struck += self.strike(command)
        self.place.await_end()
        if command.returncode in (-9, 0):
            return struck, command.returncode == 0
        raise Lost(f"it ended with {command.returncode}: {words}")

    @abstractmethod
    def words(self) -> list[str | Path]:
        """The command line."""

    @abstractmethod
    def look(self) -> None:
        """Look at what a kill left; raise `Lost` where it is not as it should be."""

    def repetitions(self) -> str:
        """Say how many unfinished ones were begun again, where that is counted."""
        return ""

    @abstractmethod
    def finished(self) -> dict[str, Any]:
        """Read the numbers of a command that came to its end."""

    @abstractmethod
    def clear(self) -> None:
        """Begin anew."""


def require_whole(path: Path) -> None:
    """Require that a file can be read to its end."""
    try:
        match path.suffix:
            case ".json":
                json.loads(path.read_text())
            case ".csv":
                rows = list(csv.reader(path.read_text().splitlines()))
                require(len({len(row) for row in rows}) == 1, f"{path} is half-written")
            case ".npz":
                with np.load(path) as arrays:
                    require(all(arrays[key].size for key in arrays.files), f"{path}")
            case ".safetensors":
                checked_arrays(path.read_bytes())
        if path.name == RESULT:
            ResultFolder(path.parent).check()
    except (ValueError, OSError) as error:
        raise Lost(f"{path} is half-written: {error}") from error


def require_same(ours: dict[str, Any], control: dict[str, Any]) -> None:
    """Require that two commands came to the same numbers, to the bit."""
    require(ours.keys() == control.keys(), f"there are others: {sorted(ours)}")
    for key, wanted in control.items():
        equal = np.array_equal(np.asarray(ours[key]), np.asarray(wanted))
        require(equal, f"{key} is {ours[key]} and was {wanted}")
