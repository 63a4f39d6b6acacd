"""Try everything that needs a GPU, print a table, and write it as JSON.

    scripts/gpu_check.sh [--device cuda] [--json gpu_check.json]

The engine step by step and as a graph, seconds and accuracy and memory of a model;
identity, fine-tuning and retraining at one run and at four a time, one seed twice. What
fails, or takes more than half of the minutes that are left, is told, and the rest goes
on; what was found is written after each part. So one borrowed quarter of an hour shows
all that is wrong; then the exit code is 4. With ``--device cpu`` and a small track it
runs anywhere.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from harness.errors import ExitCode
from harness.machine import this_machine
from harness.sandbox import AUTO, Level, choose
from harness.storage.cache import CACHE_VARIABLE
from harness.storage.files import write_atomic
from harness.tasks.registry import find_task
from harness.track import Track, find_track
from scripts import gpu_trials as trials
from scripts.gpu_trials import Options
from scripts.random_images import random_track

#: Less is too little to begin anything.
LEAST_SECONDS = 5.0


class Row(NamedTuple):
    """One thing that was tried: what came of it, or the error that ended it."""

    what: str
    found: dict[str, Any]
    error: str = ""


def rows(options: Options) -> Iterator[Row]:
    """Try one thing after the other; an error ends one of them alone."""
    task = find_task(options.track, options.data_dir)
    tried = partial(attempt, options.ends)
    weights: list[torch.Tensor | None] = []
    for name, graph in (("as a graph", True), ("step by step", False)):
        row = tried(f"engine, {name}", partial(trials.engine, task, graph=graph))
        weights.append(row.found.pop("weights", None))
        yield row
    yield tried("graph against steps", lambda: trials.difference(*weights))
    yield tried("bank", lambda: trials.bank(options))
    sandbox, failed = choose(options.isolation), False
    tables: list[dict[str, str] | None] = []
    for n_jobs in options.jobs:
        name = f"score, -j {n_jobs}"
        row = tried(name, partial(trials.scores, options, sandbox, name, n_jobs))
        tables.append(row.found.pop("weights", None))
        failed = failed or bool(row.error)
        yield row
    if failed and sandbox.level != Level.NONE:
        name, bare = "score, no isolation", choose(Level.NONE)
        row = tried(name, partial(trials.scores, options, bare, name, 1))
        row.found.pop("weights", None)
        yield row
    yield tried(
        "one seed twice", lambda: trials.seed_twice(options, sandbox, tables[0])
    )


def attempt(ends: float, what: str, work: Callable[[], dict[str, Any]]) -> Row:
    """Do one thing in half of the time that is left, and time it.

    What it finds wrong itself is its ``error``.
    """
    start = time.perf_counter()
    found: dict[str, Any] = {}
    try:
        with at_most((ends - time.monotonic()) / 2):
            found = work()
        error = found.pop("error", "")
    except Exception:  # whatever a GPU that nobody has tried raises
        error = traceback.format_exc()
    return Row(what, {"seconds": time.perf_counter() - start, **found}, error)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the main thread when the time is over."""
    if seconds < LEAST_SECONDS:
        raise TimeoutError("no time was left for it")

    def ring(*_: object) -> None:
        raise TimeoutError(f"it took more than {seconds:.0f} s, half of what was left")

    handler = signal.signal(signal.SIGALRM, ring)
    before = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *before)
        signal.signal(signal.SIGALRM, handler)


def table(found: list[Row]) -> str:
    """Write one line for each figure."""
    lines = []
    for row in found:
        lines.append(f"{row.what}: {'FAILED' if row.error else 'done'}")
        lines += [f"    {name:22}{words(value)}" for name, value in row.found.items()]
        lines += [f"    {line}" for line in row.error.strip().splitlines()[-3:]]
    return "\n".join(lines)


def words(value: Any) -> str:
    """Show a figure, or several."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {words(each)}" for name, each in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main(argv: list[str] | None = None) -> int:
    """Try, print and write."""
    parser = argparse.ArgumentParser(description="Try everything that needs a GPU.")
    parser.add_argument("--track", help="by default one of random images")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("-n", "--n-models", type=int, default=4)
    parser.add_argument("-j", "--jobs", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--images", type=int, default=50_000, help="random ones")
    parser.add_argument("--isolation", default=AUTO)
    parser.add_argument("--minutes", type=float, default=9.0, help="at most, in all")
    parser.add_argument("--json", type=Path, default=Path("gpu_check.json"))
    given = parser.parse_args(argv)
    ends = time.monotonic() + 60 * given.minutes
    found: list[Row] = []
    torch.set_num_threads(1)  # On a CPU only then the same seed gives the same bits.
    with tempfile.TemporaryDirectory() as scratch:
        options = options_of(given, Path(scratch), ends)
        for row in rows(options):
            found.append(row)
            print(table([row]), flush=True)
            write(given, options.track, found)
    print(f"{this_machine().describe()}\nwrote {given.json}")
    return ExitCode.CHECK_FAILED if any(r.error for r in found) else ExitCode.OK


def options_of(given: argparse.Namespace, folder: Path, ends: float) -> Options:
    """Find the track, or make one, whose bank and costs are not kept."""
    if given.track:
        known = find_track(given.track)
    else:
        os.environ[CACHE_VARIABLE] = str(folder / "cache")
        known = random_track(folder, given.images)
    track = replace(known, device=given.device, options=f"--device {given.device}")
    jobs, parts = tuple(given.jobs), (track, given.data_dir, given.n_models)
    return Options(*parts, jobs, given.isolation, folder, ends)


def write(given: argparse.Namespace, track: Track, found: list[Row]) -> None:
    """Write what was found so far: whoever lends a GPU may take it back."""
    content = {
        "machine": asdict(this_machine()),
        "device": given.device,
        "track": track.name,
        "seconds": sum(row.found["seconds"] for row in found),
        "rows": [row._asdict() for row in found],
    }
    write_atomic(given.json, json.dumps(content, indent=2, default=str).encode())


if __name__ == "__main__":
    sys.exit(main())
