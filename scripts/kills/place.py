"""A place of its own for commands that are killed, and what must not be left there."""

import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from harness.storage.cache import CACHE_VARIABLE, cache_root

TRACK = """\
name = "killed"
description = "300 images, 40 to forget"
device = "cpu"

[data]
dataset = "cifar10"
train_size = 300
forget_size = 40
validation_size = 50
test_size = 100
split_seed = 1

[network]
name = "small-cnn"

[recipe]
epochs = 4
batch_size = 32
learning_rate = 0.1
warmup_fraction = 0.2
momentum = 0.9
weight_decay = 5e-4
augmentation = "flip"

[evaluation]
n_models = 6
bank_size = 6
cap = 1.0
delta = 1e-5
"""

#: Processes of a killed command notice that it has gone, and end.
PATIENCE_SECONDS = 20.0


class Lost(AssertionError):
    """Something was lost, repeated, half-written or left behind."""


def require(holds: bool, what: str) -> None:
    """Raise `Lost` unless it holds."""
    if not holds:
        raise Lost(what)


@dataclass
class Place:
    """A folder that everything of a campaign lies in, caches and scratch files too."""

    root: Path
    #: When each of our processes was last seen; numbers are used again by others.
    pids: dict[int, float] = field(default_factory=dict)
    shared_before: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        for folder in (self.cache, self.scratch):
            folder.mkdir(parents=True)
        for store in cache_root().glob("cifar10-*"):
            (self.cache / store.name).symlink_to(store.resolve())
        self.track.write_text(TRACK)
        self.shared_before = shared_memory()

    @property
    def cache(self) -> Path:
        """The user's cache."""
        return self.root / "cache"

    @property
    def scratch(self) -> Path:
        """The place for temporary files."""
        return self.root / "scratch"

    @property
    def track(self) -> Path:
        """The track's file."""
        return self.root / "killed.toml"

    def start(
        self,
        words: Sequence[str | Path],
        entry: str = "harness.cli.entry",
        stderr: int = subprocess.PIPE,
    ) -> "subprocess.Popen[str]":
        """Start the command line, or another module's."""
        code = f"from {entry} import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, words)],
            env={
                **os.environ,
                CACHE_VARIABLE: str(self.cache),
                "TMPDIR": str(self.scratch),
                "DASK_TEMPORARY_DIRECTORY": str(self.root / "dask"),
            },
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
        self.pids[process.pid] = math.inf
        return process

    def processes(self) -> set[int]:
        """Find all processes of the campaign, by what they were started with."""
        mark, found = os.fsencode(self.root), set()
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                files = (path / "environ", path / "cmdline")
                words = b"".join(file.read_bytes() for file in files)
                if mark in words and int(path.name) != os.getpid():
                    found.add(int(path.name))
        return found

    def await_end(self, lasting: Collection[int] = ()) -> None:
        """Wait until no process is left but those that last."""
        deadline, now = time.monotonic() + PATIENCE_SECONDS, time.time()
        self.pids = {pid: min(seen, now) for pid, seen in self.pids.items()}
        while left := self.processes().difference(lasting):
            self.pids |= dict.fromkeys(left, time.time())
            words = {pid: _command(pid) for pid in left}
            require(time.monotonic() < deadline, f"processes live on: {words}")
            time.sleep(0.02)

    def require_clean(self) -> None:
        """Require that no temporary file and no shared memory is left."""
        names = {path.name for path in self.scratch.iterdir()}
        # torch's own, which every process of a user shares.
        left = sorted(n for n in names if not n.startswith("torchinductor_"))
        require(not left, f"temporary files are left: {left}")
        new = [path for path in shared_memory() if path not in self.shared_before]
        left = sorted(path.name for path in new if self._is_ours(path))
        require(not left, f"shared memory is left: {left}")

    def _is_ours(self, path: Path) -> bool:
        """Whether shared memory names a process of ours, and is not of a later one."""
        seen = [self.pids.get(int(n), 0.0) for n in re.findall(r"\d+", path.name)]
        with suppress(FileNotFoundError):
            return path.stat().st_mtime < max(seen, default=0.0) + 1
        return False


def shared_memory() -> list[Path]:
    """What lies in shared memory."""
    folder = Path("/dev/shm")
    return list(folder.iterdir()) if folder.is_dir() else []


def _command(pid: int) -> str:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return b" ".join(words)[-300:].decode(errors="replace")
    return "gone"
