"""What is killed: a scoring, here and on a cluster, and the build of a bank."""

import csv
import json
import random
import shutil
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from harness.models.records import ModelRecord, read_record
from harness.reference.bank import MANIFEST, ORIGINALS, read_bank
from harness.reference.member import member_paths, read_original
from harness.results.store import EXAMPLES, MODELS, RESULT, ResultFolder
from harness.sandbox.host.scratch import remove_abandoned
from harness.storage.checksums import checked_arrays
from scripts.killed_place import PATIENCE_SECONDS, Lost, Place, require

#: Says in a file that it begins, and takes a while.
SUBMISSION = '''"""Tell the log, wait, and shake the weights: {name}."""

import time

import torch


def unlearning(net, retain, forget, validation, seed):
    with open({log!r}, "a") as log:
        log.write(f"{name} {{seed}}\\n")
    time.sleep(0.15)
    with torch.no_grad():
        for p in net.parameters():
            p += 0.05 * torch.randn_like(p)
    print("done")
'''
SUBMISSIONS = ("first", "second")
MEASURED = ("cpu_seconds", "wall_seconds", "peak_bytes")
#: What a table has beside it of runs on a cluster.
OF_A_CLUSTER = ("machine", "arithmetic", "retraining_seconds")
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


class Scoring(Work):
    """Two submissions of six runs, two at a time."""

    def __init__(self, place: Place, isolation: str = "none") -> None:
        super().__init__(place)
        self.output, self.log = place.root / "runs", place.root / "begun.txt"
        self.isolation = isolation
        self.repeated, self.most_in_flight = 0, 0
        self._n_seen = 0
        self._kept: set[tuple[str, int]] = set()
        self._indices: dict[tuple[str, int], int] = {}
        for name in SUBMISSIONS:
            source = SUBMISSION.format(name=name, log=str(self.log))
            (place.root / f"{name}.py").write_text(source)
        build: list[str | Path] = [
            "reference",
            "build",
            "--track",
            place.track,
            "-j",
            "2",
            "--quiet",
        ]
        with place.start(build) as process:
            require(process.wait() == 0, "the bank was not built")
        self.log.touch()

    def repetitions(self) -> str:
        """Count them by the log."""
        most = f"at most {self.most_in_flight} a kill"
        return f"{self.repeated} unfinished runs done again, {most}; "

    def words(self) -> list[str | Path]:
        """Score both."""
        files: list[str | Path] = [
            self.place.root / f"{name}.py" for name in SUBMISSIONS
        ]
        where: list[str | Path] = ["--track", self.place.track, "-o", self.output]
        how = ["-n", str(N_MODELS), "--isolation", self.isolation]
        return ["score", *files, *where, *how, *self.executor()]

    def executor(self) -> list[str]:
        """Say where runs are made."""
        return ["-j", str(JOBS)]

    def look(self) -> None:
        """Nothing kept has gone or was begun again, and every file is whole."""
        self.look_at_runs()
        for path in self.output.rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                require_whole(path)

    def look_at_runs(self) -> None:
        """Look at what is kept, and at what was begun since the last look."""
        kept, begun = self._kept_now(), self._begun()
        again = begun & self._kept
        require(not again, f"runs that were kept were done again: {sorted(again)}")
        require(kept >= self._kept, f"runs were lost: {sorted(self._kept - kept)}")
        in_flight = len(begun - kept)
        # One for each job, and one more that has ended and is not written yet.
        require(in_flight <= 2 * JOBS, f"{in_flight} runs will be done again")
        self.most_in_flight = max(self.most_in_flight, in_flight)
        self._kept = kept

    def finished(self) -> dict[str, Any]:
        """All that does not depend on the clock."""
        numbers: dict[str, Any] = {}
        for path in sorted(self.output.rglob(RESULT)):
            folder, name = path.parent, path.parents[1].name
            ResultFolder(folder).check()
            require(not (folder / "runs").exists(), "kept runs are left")
            with np.load(folder / EXAMPLES) as arrays:
                numbers |= {f"{name} {key}": arrays[key] for key in arrays.files}
            for row in csv.DictReader((folder / MODELS).read_text().splitlines()):
                for key in (*MEASURED, *OF_A_CLUSTER):
                    row.pop(key, None)
                numbers[f"{name} {row['index']}"] = row
            content = json.loads(path.read_text())
            for key in ("status", "forgetting_quality", "epsilon", "n_finished"):
                numbers[f"{name} {key}"] = content[key]
        require(len(numbers) == len(SUBMISSIONS) * (4 + N_MODELS + 4), "a result lacks")
        if not self._indices:
            self._indices = {
                (name, int(numbers[f"{name} {i}"]["seed"])): i
                for name in SUBMISSIONS
                for i in range(N_MODELS)
            }
        hidden = [path for path in self.output.rglob(".*") if path.is_file()]
        require(not hidden, f"temporary files are left: {hidden}")
        begun = self.log.read_text().splitlines()
        self.repeated += len(begun) - len(set(begun))
        return numbers

    def clear(self) -> None:
        """Forget results and the cost of a retraining."""
        shutil.rmtree(self.output, ignore_errors=True)
        shutil.rmtree(self.place.cache / "calibration", ignore_errors=True)
        self.log.write_text("")
        self._kept, self._n_seen = set(), 0

    def _begun(self) -> set[tuple[str, int]]:
        lines = self.log.read_text().splitlines()
        fresh, self._n_seen = lines[self._n_seen :], len(lines)
        pairs = (line.split() for line in fresh)
        return {(name, self._indices[name, int(seed)]) for name, seed in pairs}

    def _kept_now(self) -> set[tuple[str, int]]:
        kept = set()
        for name in SUBMISSIONS:
            for path in self.output.glob(f"*/{name}/*/runs/0*.safetensors"):
                kept.add((name, int(path.stem)))
            if list(self.output.glob(f"*/{name}/*/{RESULT}")):
                kept |= {(name, index) for index in range(N_MODELS)}
        return kept


class Cluster(Scoring):
    """The same on a cluster of two workers, which are killed in the command's place.

    Each is followed by a new one.
    """

    def __init__(self, place: Place, isolation: str = "none") -> None:
        super().__init__(place, isolation)
        self._address, self._struck, self._draw = "", 0, random.Random(0)
        self._workers: list[subprocess.Popen[str]] = []

    def executor(self) -> list[str]:
        """Name the scheduler."""
        return ["--scheduler", self._address]

    def repetitions(self) -> str:
        """Count them by the log; a worker does one at a time."""
        return f"{self.repeated} unfinished runs done again; "

    def unkilled(self) -> tuple[float, dict[str, Any]]:
        """Hold the numbers of a cluster against those of this machine."""
        _, here = Scoring(self.place, self.isolation).unkilled()
        life, there = super().unkilled()
        require_same(there, here)
        return life, here

    @contextmanager
    def started(self) -> Iterator["subprocess.Popen[str]"]:
        """Start a cluster, too; the command leaves nothing on it."""
        host, port = _free_port()
        self._address = f"tcp://{host}:{port}"
        scheduler = self._dask("scheduler", "--host", host, "--port", str(port))
        self._workers = [self._worker() for _ in range(JOBS)]
        try:
            _await_server(host, port)
            with super().started() as command:
                yield command
            self.place.await_end([p.pid for p in (scheduler, *self._workers)])
        finally:
            for process in (*self._workers, scheduler):
                process.terminate()
            for process in (*self._workers, scheduler):
                process.wait()

    def strike(self, command: "subprocess.Popen[str]") -> bool:
        """Kill a worker, unless the command has ended."""
        if command.poll() is not None:
            return False
        self.look_at_runs()
        victim = self._draw.randrange(JOBS)
        self._workers[victim].kill()
        self._workers[victim].wait()
        self._workers[victim] = self._worker()
        self._struck += 1
        return True

    def look(self) -> None:
        """Look, and sweep away what the next worker on that machine would."""
        super().look()
        if self._struck:
            remove_abandoned(self.place.scratch)

    def finished(self) -> dict[str, Any]:
        """Only what a killed worker was doing was done again."""
        before = self.repeated
        numbers = super().finished()
        again = self.repeated - before
        require(again <= self._struck, f"{again} runs were done again")
        return numbers

    def clear(self) -> None:
        """Forget the kills, too."""
        super().clear()
        self._struck = 0

    def _worker(self) -> "subprocess.Popen[str]":
        how = ["--nthreads", "1", "--no-nanny", "--memory-limit", "0"]
        return self._dask("worker", self._address, *how)

    def _dask(self, what: str, *words: str) -> "subprocess.Popen[str]":
        entry = f"distributed.cli.dask_{what}"
        return self.place.start([*words, "--no-dashboard"], entry, subprocess.DEVNULL)


def _free_port() -> tuple[str, int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
    return host, port


def _await_server(host: str, port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection((host, port)).close()
        except ConnectionRefusedError:
            require(time.monotonic() < deadline, "no scheduler has started")
            time.sleep(0.1)
        else:
            return


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
