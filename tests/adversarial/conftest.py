"""A laboratory: sources run through the real worker, at each level that is to be had.

Every attack is a test of its own file. It names the properties it depends on with
``@pytest.mark.claims``; where a level does not claim one on this machine the attack is
skipped there with the reason, and the summary says so. After each attack an honest run
in the same worker must come back with the original weights.

At the end no process, shared memory or scratch folder of ours may be left. What
was tried and contained is said in the summary, also where several processes share the
work; so each test carries it on its report.

Where cgroups can be made the suite uses them; with ``UNLEARN_EVAL_NO_CGROUP=1`` it is
run as where none can.

The level ``none`` has no claims. Some attacks are also tried there, to show that it is
the sandbox that stops them and not a mistake in the attack.
"""

import os
import secrets
import select
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.models.weights import Array, WeightSpec
from harness.run.inputs import RUN_SETS, sets_named, write_inputs
from harness.run.messages import Limit, RunReport, RunRequest
from harness.run.worker import RunWorker
from harness.sandbox import PROPERTIES, Level, choose, probe, why_not
from harness.sandbox.child.descendants import descendants
from harness.sandbox.child.namespaces import SHARED_MEMORY
from harness.sandbox.host import sandbox as sandbox_module
from harness.sandbox.host import scratch
from harness.sandbox.host.cgroup import Leaves
from harness.tasks.base import Examples, Sets
from harness.tasks.cifar10 import load_cifar10
from harness.tasks.registry import find_task
from harness.track import find_track

LEVELS = tuple(level for level in Level if level.means.filtered)
HONEST = "def unlearning(net, retain, forget, validation):\n    return net\n"
# Smaller than by default, so that going past them takes less time.
BOUNDS = {"scratch_bytes": 64 << 20, "n_tasks": 60}
SIZES = {"retain": 40, "forget": 10, "validation": 10, "test": 20}
CONTROLS = "test_honest_controls"
#: Others' on this machine: joblib's workers keep theirs for as long as they live.
#: Our scratch folders are known one by one; others are of harnesses that tests killed.
NOT_OURS = ("joblib_memmapping", "sem.loky", scratch.PREFIX)
#: What is kept for its next use, whichever test had the first: the workers of joblib,
#: what looks after shared memory, and what workers are forked from.
KEPT = (b"joblib.externals.loky", b"resource_tracker", b"forking/ready.py")
_PATIENCE_SECONDS = 20.0


def no_cgroups(*_: object) -> Leaves:
    """Make none, as where one may not."""
    return Leaves(None, None)


WITHOUT_CGROUPS = bool(os.environ.get("UNLEARN_EVAL_NO_CGROUP"))
if WITHOUT_CGROUPS:
    sandbox_module.make_leaves = no_cgroups


@pytest.fixture(autouse=True)
def _started_workers(monkeypatch) -> None:
    """Start workers where they could be forked: a fork holds what tests imported.

    Those of whom no cgroup can be made are, at `partial`: an ordinary user's.
    """
    if WITHOUT_CGROUPS or os.geteuid():
        monkeypatch.setattr("harness.processes.worker.subprocess", subprocess)


@dataclass
class Lab:
    """One level's worker, and what there is around it to be attacked."""

    level: Level
    worker: RunWorker
    spec: WeightSpec
    original: dict[str, Array]
    sets: Sets
    folder: Path
    canary: str
    bystander: "subprocess.Popen[bytes]"
    reports: list[RunReport] = field(default_factory=list)

    def call(
        self,
        source: str,
        *,
        limit_seconds: float = 30.0,
        memory_bytes: int = 2 << 30,
        seed: int = 7,
        **values: Any,
    ) -> RunReport:
        """Run a source, some names bound in its first lines."""
        lines = "".join(f"{name} = {value!r}\n" for name, value in values.items())
        limit = Limit(wall_seconds=limit_seconds)
        request = RunRequest(
            "attack.py", lines + source, seed, None, memory_bytes, limit
        )
        report = self.worker.run(request)
        self.reports.append(report)
        return report

    def said(self, source: str, **values: Any) -> str:
        """Run a source that must come through, and return what it printed."""
        report = self.call(source, **values)
        assert report.failure is None, report.failure
        return report.output

    def weights(self, report: RunReport) -> dict[str, Array]:
        """Unpack what a run returned."""
        assert report.weights is not None, report.failure
        return self.spec.unpack(report.weights)

    def assert_unharmed(self) -> None:
        """An honest run gets the original model and gives it back."""
        limit = Limit(wall_seconds=30.0)
        request = RunRequest("honest.py", HONEST, 1, None, 2 << 30, limit)
        report = self.worker.run(request)
        assert report.failure is None, report.failure
        assert report.weights == self.spec.pack(self.original)
        assert self.bystander.poll() is None
        assert self.canary_file.read_text() == self.canary

    @property
    def canary_file(self) -> Path:
        """A file of the harness that holds the canary."""
        return self.folder / "canary"


@pytest.fixture(scope="session", autouse=True)
def _nothing_left(tmp_path_factory) -> Iterator[None]:
    """Fail if a process, shared memory or a scratch folder of ours is still there.

    Set up before everything else of this folder, and so looked at after all is over.
    """
    folders = [tmp_path_factory.getbasetemp()]
    before = _shared_memory()
    # What other folders' fixtures started before is ended later, or replaced meanwhile,
    # and so is what they start in folders that they have made.
    alone, others = not _processes_of([]), list(folders[0].iterdir())

    def make(parent: Path) -> tuple[Path, int]:
        path, lock = make_scratch(parent)
        folders.append(path)
        return path, lock

    make_scratch = scratch._make
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scratch, "_make", make)
        yield

    def left() -> list[str]:
        ours = _processes_of(folders, of_folders_alone=not alone)
        ours -= _processes_of(others, of_folders_alone=True)
        processes = [f"process {pid} ({_command(pid).decode()})" for pid in ours]
        # An empty folder may wait for the end of this process.
        files = (f for folder in folders[1:] for f in folder.rglob("*"))
        kept = [str(path) for path in files if not path.is_dir()]
        return processes + kept + sorted(_shared_memory() - before)

    # What is being ended may take a moment, and so may others' short-lived memory.
    end, found = time.monotonic() + _PATIENCE_SECONDS, left()
    while found and time.monotonic() < end:
        select.select([], [], [], 0.2)
        found = [one for one in left() if one in found]
    assert not found, f"left behind: {', '.join(found)}"


def _processes_of(folders: list[Path], *, of_folders_alone: bool = False) -> set[int]:
    """Find descendants, and whatever else was started on one of these folders."""
    words = [str(path).encode() for path in folders]
    found = set() if of_folders_alone else set(descendants(os.getpid()))
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        if any(word in line for word in words):
            found.add(int(path.parent.name))
    kept = {pid for pid in found if any(word in _command(pid) for word in KEPT)}
    return found - kept - {os.getpid(), os.getppid()}


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:
        return b""


def _shared_memory() -> set[str]:
    """List named shared memory, and System V segments by their number."""
    named = {
        str(path)
        for path in Path(SHARED_MEMORY).glob("*")
        if not path.name.startswith(NOT_OURS)
    }
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return named | {f"segment {line.split()[1]}" for line in lines}


@pytest.fixture(scope="session")
def inputs(tmp_path_factory) -> tuple[Path, WeightSpec, dict[str, Array], Sets]:
    """A task of a few real images and the quick track's network."""
    folder = tmp_path_factory.mktemp("lab")
    data, task = load_cifar10(), find_task(find_track("cifar10-quick"))
    parts, start = {}, 0
    for name, size in SIZES.items():
        part = slice(start, start + size)
        images = np.ascontiguousarray(data.train_images[part])
        targets = np.asarray(data.train_targets[part], dtype=np.int64)
        parts[name] = Examples(images, targets)
        start += size
    sets = Sets(**parts)
    network = task.network(seed=3)
    original = {name: t.numpy().copy() for name, t in network.state_dict().items()}
    given = sets_named(sets, RUN_SETS)
    write_inputs(folder / "task", task, "cpu", [original], given)
    return folder, WeightSpec.of(original), original, sets


@pytest.fixture(scope="session")
def _labs(inputs) -> Iterator[dict[Level, Lab]]:
    """Laboratories by level, made at first use, and what lies around them."""
    folder, spec, original, sets = inputs
    canary = secrets.token_hex(16)
    (folder / "canary").write_text(canary)
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("CANARY", canary)
        bystander = subprocess.Popen(["sleep", "3600"], start_new_session=True)
        stack.callback(bystander.wait)
        stack.callback(bystander.kill)

        class Labs(dict[Level, Lab]):
            def __missing__(self, level: Level) -> Lab:
                sandbox = replace(choose(level), **BOUNDS)
                worker = RunWorker(folder / "task", spec, sandbox)
                stack.enter_context(worker)
                around = (folder, canary, bystander)
                self[level] = Lab(level, worker, spec, original, sets, *around)
                return self[level]

        yield Labs()


@pytest.fixture(params=LEVELS)
def lab(request, _labs) -> Iterator[Lab]:
    """The laboratory of each level, if what the attack depends on is claimed there."""
    level = request.param

    def note(kind: str, words: str) -> None:
        request.node.user_properties.append((kind, (str(level), words)))

    if reason := why_not(level):
        assert "got through" not in reason, reason
        note("unavailable", reason)
        pytest.skip(f"the level {level} is not to be had here")
    for marker in request.node.iter_markers("claims"):
        for name in marker.args:
            if not probe(level).properties[name]:
                note("untested", name)
                pytest.skip(
                    f"{level} does not enforce here: {PROPERTIES[name].otherwise}"
                )
    note("tried", request.path.stem)
    laboratory = _labs[level]
    yield laboratory
    laboratory.assert_unharmed()


@pytest.fixture(scope="session")
def uncounted(_labs) -> Iterator[Lab]:
    """A laboratory of the strictest level, as where no cgroup can be made."""
    level = LEVELS[0]
    if why_not(level):
        pytest.skip(f"the level {level} is not to be had here")
    lab = _labs[level]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox_module, "make_leaves", no_cgroups)
        sandbox = replace(choose(level), **BOUNDS)
        worker = RunWorker(lab.folder / "task", lab.spec, sandbox)
    with worker:
        yield replace(lab, worker=worker)


@pytest.fixture
def unconfined(_labs) -> Lab:
    """The laboratory without a sandbox, to show that an attack does work."""
    return _labs[Level.NONE]


@pytest.fixture
def host_processes():
    """Find processes of this machine by a word of their command line."""

    def find(word: str) -> list[int]:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if word.encode() in words and int(folder.name) != os.getpid():
                found.append(int(folder.name))
        return found

    return find


def pytest_configure(config) -> None:
    config.addinivalue_line(
        "markers", "claims(*properties): skip where a level does not enforce these"
    )


def pytest_terminal_summary(terminalreporter) -> None:
    reports = [r for kind in terminalreporter.stats.values() for r in kind]
    reports = [r for r in reports if isinstance(r, pytest.TestReport)]
    reports = [r for r in reports if "adversarial/" in r.nodeid]
    for level in LEVELS if reports else ():
        terminalreporter.write_line(_line(level, reports))
    if reports:
        seconds = sum(report.duration for report in reports)
        terminalreporter.write_line(f"the attack suite took {seconds:.0f} s of tests")


def _line(level: Level, reports: list[pytest.TestReport]) -> str:
    """Say of a level what was tried and contained, and what could not be tested."""
    found: dict[str, set[str]] = defaultdict(set)
    controls = 0
    for report in reports:
        for kind, (of, words) in report.user_properties:
            if of != level:
                continue
            found[kind].add(words)
            if report.failed:
                found["failed"].add(words)
            elif kind == "tried" and words == CONTROLS and report.when == "call":
                controls += 1
    attacks = found["tried"] - {CONTROLS}
    line = f"isolation {level}: {len(attacks)} attacks tried, "
    line += f"{len(attacks - found['failed'])} contained; "
    line += f"{controls} honest controls scored"
    if found["untested"]:
        line += f"; not enforced, so not tested: {', '.join(sorted(found['untested']))}"
    return "; ".join([line, *found["unavailable"]])


def pytest_collection_modifyitems(items) -> None:
    """Keep a hung attack from holding up everything else."""
    for item in items:
        if "adversarial" in item.path.parts:
            item.add_marker(pytest.mark.timeout(90))
