"""Measure what isolation costs: time added to a run, and memory held by a scoring.

    python scripts/bench_isolation.py overhead   # every level and none, in turn
    python scripts/bench_isolation.py memory     # of a score with -j 2
    python scripts/bench_isolation.py            # both

A round calls each submission once at every level, so that all see the same load. What a
level adds is the median over rounds of its difference to the same round without
isolation; beside each median stands the range of the middle half of the rounds.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import click

from harness.machine import this_machine
from harness.models.weights import WeightSpec
from harness.reference import find_bank
from harness.run.inputs import RUN_SETS, sets_named, write_inputs
from harness.run.messages import Limit, RunRequest, Usage
from harness.run.submission import read_submission
from harness.run.worker import RunWorker
from harness.sandbox import Level, Sandbox, choose, why_not
from harness.sandbox.child.descendants import descendants
from harness.storage.shipped import shipped_submissions
from harness.tasks.registry import find_task
from harness.track import Track, find_track

_TRACK = "cifar10-quick"
#: What the others are compared with: a forked process, and nothing around it.
_BARE = "bare"
_LIMIT_SECONDS = 300.0
#: The promise: isolation adds no more than this to a run.
_MOST_SECONDS, _MOST_SHARE = 0.060, 0.15
_LOOK_SECONDS = 0.25


class Spread(NamedTuple):
    """Median and the range of the middle half of some values."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarise at least two values."""
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)

    def milliseconds(self) -> str:
        """Write it for a table."""
        low, high = self.low * 1e3, self.high * 1e3
        return f"{self.median * 1e3:8.1f} ms ({low:.1f} to {high:.1f})"


Usages = Mapping[str, Mapping[str, Sequence[Usage]]]


def bench_overhead(names: Sequence[str], rounds: int) -> None:
    """Print what each level adds to a run of each submission."""
    usages: dict[str, dict[str, list[Usage]]] = {
        name: defaultdict(list) for name in names
    }
    with _workers(find_track(_TRACK)) as workers:
        requests = {name: _request(name) for name in names}
        for worker in workers.values():
            _run(worker, requests[names[0]])  # The first after the start is slower.
        for _ in range(rounds):
            for name, request in requests.items():
                for level, worker in workers.items():
                    usages[name][level].append(_run(worker, request))
    for name in names:
        _print_usages(name, usages[name])
    _print_verdict(usages, names)


@contextmanager
def _workers(track: Track) -> Iterator[dict[str, RunWorker]]:
    """Open a worker without isolation, and one at each level that is to be had."""
    isolations: dict[str, Sandbox] = {_BARE: Sandbox(Level.NONE)}
    for level in reversed(Level):
        if reason := why_not(level):
            print(f"{level}: {reason}")
        else:
            isolations[level] = choose(level)
    task = find_task(track)
    original = find_bank(task).original_weights[0]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sets = sets_named(task.sets(), RUN_SETS)
        write_inputs(folder / "task", task, "cpu", [original], sets)
        spec = WeightSpec.of(original)
        yield {
            level: stack.enter_context(RunWorker(folder / "task", spec, isolation))
            for level, isolation in isolations.items()
        }


def _request(name: str) -> RunRequest:
    submission = read_submission(shipped_submissions() / f"{name}.py")
    request = submission.request(0, 1, "cpu", None)
    return replace(request, limit=Limit(wall_seconds=_LIMIT_SECONDS))


def _run(worker: RunWorker, request: RunRequest) -> Usage:
    report = worker.run(request)
    if report.failure is not None:
        raise click.ClickException(f"{request.filename}: {report.failure.reason}")
    return report.usage


def _added(
    usages: Mapping[str, Sequence[Usage]], level: str, clock: str
) -> list[float]:
    """Seconds that a level adds to a run, round by round."""
    return [
        getattr(inside, clock) - getattr(outside, clock)
        for inside, outside in zip(usages[level], usages[_BARE], strict=True)
    ]


def _print_usages(name: str, usages: Mapping[str, Sequence[Usage]]) -> None:
    for level, used in usages.items():
        for what, clock in (("wall", "wall_seconds"), ("CPU", "cpu_seconds")):
            line = f"{name:<10}{level:<9}{what:<5}"
            line += Spread.of([getattr(u, clock) for u in used]).milliseconds()
            if level != _BARE:
                added = Spread.of(_added(usages, level, clock)).milliseconds()
                line += f"   added {added}"
            print(line)


def _print_verdict(usages: Usages, names: Sequence[str]) -> None:
    """Hold what is added to the cheapest run against the promise."""
    trivial, method = names[0], names[-1]
    for level in usages[trivial]:
        if level == _BARE:
            continue
        for what, clock in (("wall", "wall_seconds"), ("timed cost", "cpu_seconds")):
            added = Spread.of(_added(usages[trivial], level, clock)).median
            run = statistics.median(getattr(u, clock) for u in usages[method][_BARE])
            share = added / run
            kept = added <= _MOST_SECONDS and share <= _MOST_SHARE
            print(
                f"{level}: overhead {added * 1e3:.1f} ms {what} a run, "
                f"{share:.1%} of a run of {method}: {'kept' if kept else 'NOT KEPT'} "
                f"(at most {_MOST_SECONDS * 1e3:.0f} ms and {_MOST_SHARE:.0%})"
            )


def bench_memory(name: str, n_models: int, n_jobs: int) -> None:
    """Print the most memory that a scoring held: sum of PSS of all its processes."""
    path = shipped_submissions() / f"{name}.py"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "harness", "score", str(path), "-q"]
        command += ["-n", str(n_models), "-j", str(n_jobs), "-o", folder]
        scoring = subprocess.Popen(command)
        peak: list[int] = []
        while scoring.poll() is None:
            held = [_pss(pid) for pid in (scoring.pid, *descendants(scoring.pid))]
            peak = max(peak, held, key=sum)
            time.sleep(_LOOK_SECONDS)
    if scoring.returncode:
        raise click.ClickException(f"score ended with {scoring.returncode}")
    largest = ", ".join(f"{size >> 20}" for size in sorted(peak, reverse=True) if size)
    print(f"score {name} -n {n_models} -j {n_jobs}: peak {sum(peak) >> 20} MiB (PSS)")
    print(f"its processes then, in MiB: {largest}")


def _pss(pid: int) -> int:
    """Proportional set size of a process in bytes; 0 if it has gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    return 0


@click.command()
@click.argument("which", nargs=-1, type=click.Choice(["overhead", "memory"]))
@click.option("--rounds", default=20, help="Runs of each submission at each level.")
@click.option("--method", default="finetune", help="A method of the quick track.")
@click.option("-n", "--n-models", default=8, help="N of the score.")
@click.option("-j", "--n-jobs", default=2, help="Runs at a time.")
def main(
    which: tuple[str, ...], rounds: int, method: str, n_models: int, n_jobs: int
) -> None:
    """Print the machine and its load, then each figure."""
    print(f"{this_machine().describe()}; load {os.getloadavg()[0]:.1f}")
    if not which or "overhead" in which:
        bench_overhead(("identity", method), rounds)
    if not which or "memory" in which:
        bench_memory(method, n_models, n_jobs)


if __name__ == "__main__":
    main()
