"""Show what a run can hide, and what it can tell the next one, at each level.

    python scripts/boundary.py cpu        # CPU seconds counted of those burnt
    python scripts/boundary.py memory     # MiB counted of those held
    python scripts/boundary.py channels   # numbers that differ from run to run
    python scripts/boundary.py --no-cgroup cpu   # as where no cgroup can be made

The attacks are those of ``tests/adversarial/hiding.py``.
"""

import runpy
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click

from harness.models.weights import WeightSpec
from harness.reference import find_bank
from harness.run.inputs import RUN_SETS, sets_named, write_inputs
from harness.run.messages import Limit, RunReport, RunRequest
from harness.run.worker import RunWorker
from harness.sandbox import Level, Sandbox, why_not
from harness.sandbox.host import sandbox as sandbox_module
from harness.sandbox.host.cgroup import Leaves
from harness.tasks.registry import find_task
from harness.track import find_track

_ATTACKS = Path(__file__).resolve().parents[1] / "tests" / "adversarial" / "hiding.py"
hiding = SimpleNamespace(**runpy.run_path(str(_ATTACKS)))
_SECONDS, _BYTES, _MIB = 0.5, 96 << 20, 1 << 20
_HONEST = "def unlearning(net, *sets):\n    return net\n"


@click.command()
@click.argument("what", type=click.Choice(["cpu", "memory", "channels"]))
@click.option("--no-cgroup", is_flag=True, help="Make none.")
def main(what: str, no_cgroup: bool) -> None:
    """Print one table; a row for each way, a column for each level."""
    if no_cgroup:
        setattr(sandbox_module, "make_leaves", lambda *_: Leaves(None, None))  # noqa: B010
    rows: dict[str, list[str]] = {}
    levels = [level for level in Level if not why_not(level)]
    for level in levels:
        with _worker(level) as worker:
            for way, words in _MEASURES[what](worker):
                rows.setdefault(way, []).append(words)
    click.echo(f"{'':28}" + "".join(f"{level:>24}" for level in levels))
    for way, cells in rows.items():
        click.echo(f"{way:28}" + "".join(f"{cell:>24}" for cell in cells))


@contextmanager
def _worker(level: Level) -> Iterator[RunWorker]:
    task = find_task(find_track("cifar10-quick"))
    original = find_bank(task).original_weights
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "task")
        sets = sets_named(task.sets(), RUN_SETS)
        write_inputs(folder, task, "cpu", original, sets)
        with RunWorker(folder, WeightSpec.of(original[0]), Sandbox(level)) as worker:
            yield worker


def _run(worker: RunWorker, source: str, **values: Any) -> RunReport:
    lines = "".join(f"{name} = {value!r}\n" for name, value in values.items())
    limit = Limit(wall_seconds=120.0)
    return worker.run(RunRequest("a.py", lines + source, 7, None, 4 << 30, limit))


def _cpu(worker: RunWorker) -> Iterator[tuple[str, str]]:
    for way in hiding.CPU_WAYS:
        report = _run(worker, hiding.CPU_SOURCE, WAY=way, SECONDS=_SECONDS)
        status = "" if report.failure is None else f" {report.failure.status}"
        yield way, f"{report.usage.cpu_seconds:.2f} of {_SECONDS:.2f}{status}"


def _memory(worker: RunWorker) -> Iterator[tuple[str, str]]:
    empty = _run(worker, _HONEST).usage.peak_bytes
    for way in hiding.MEMORY_WAYS:
        report = _run(worker, hiding.MEMORY_SOURCE, WAY=way, BYTES=_BYTES, HOLD=1.5)
        held = int(report.output or 0) // _MIB
        counted = max(0, report.usage.peak_bytes - empty) // _MIB
        yield way, f"{counted} of {held}" if held else "refused"


def _channels(worker: RunWorker) -> Iterator[tuple[str, str]]:
    ways = hiding.CHANNEL_WAYS
    first, second = (
        _run(worker, hiding.CHANNEL_SOURCE, WAYS=ways).output.splitlines()
        for _ in range(2)
    )
    for one, other in zip(first, second, strict=True):
        way, _, before = one.partition(" ")
        after = other.partition(" ")[2]
        same = "same" if before.isdecimal() else before
        yield way, same if before == after else f"+{int(after) - int(before)}"


_MEASURES = {"cpu": _cpu, "memory": _memory, "channels": _channels}

if __name__ == "__main__":
    main()
