"""Run a download tool as a child, quietly, and stop it when nothing arrives."""

import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple

from harness.tasks.cifar10.progress import Progress
from harness.tasks.cifar10.source import SourceError

_POLL_SECONDS = 0.1


class Finished(NamedTuple):
    """How a child ended, and the lines it wrote, without empty ones."""

    exit_code: int
    lines: tuple[str, ...]


def run_download(
    command: Sequence[str], folder: Path, progress: Progress, *, patience: float
) -> Finished:
    """Run a command that downloads into a folder.

    Its output is kept off the terminal, and it has no stdin to ask anything on. It is
    killed when this function is left in any way, an interrupt included. `progress` is
    told how the folder grows.
    """
    with tempfile.TemporaryFile() as output:
        process = _started(command, folder, output)
        try:
            exit_code = _watch(process, folder, progress, patience)
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        lines = output.read().decode(errors="replace").splitlines()
    return Finished(exit_code, tuple(line.strip() for line in lines if line.strip()))


def _started(
    command: Sequence[str], folder: Path, output: IO[bytes]
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    except OSError as error:
        raise SourceError(f"{command[0]} cannot be run ({error.strerror})") from error


def _watch(
    process: subprocess.Popen[bytes], folder: Path, progress: Progress, patience: float
) -> int:
    arrived = 0
    last_growth = time.monotonic()
    while True:
        try:
            return process.wait(timeout=_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            now = _bytes_in(folder)
        if now > arrived:
            arrived, last_growth = now, time.monotonic()
            progress.reach(arrived)
        elif time.monotonic() - last_growth > patience:
            raise SourceError(f"nothing arrived for {patience:g} s")


def _bytes_in(folder: Path) -> int:
    """Sum the sizes of a folder's files, some of which may vanish meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:
            continue
    return total
