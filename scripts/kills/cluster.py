"""A scoring on a cluster whose workers are killed."""

import random
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from harness.sandbox.host.scratch import remove_abandoned
from scripts.kills.place import PATIENCE_SECONDS, Place, require
from scripts.kills.scoring import Scoring
from scripts.kills.work import JOBS, require_same


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
                _wait(process)

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


def _wait(process: "subprocess.Popen[str]") -> None:
    """Wait for a process's end; a worker of Dask's may never come to it by itself."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE_SECONDS)
    process.kill()
    process.wait()


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
