"""A laboratory: sources run through the real slot, at each level that is to be had.

Every attack is a test of its own file. It names the properties it depends on with
``@pytest.mark.claims``; where a level does not claim one on this machine the attack is
skipped there with the reason, and the summary says so. After each attack an honest run
in the same slot must come back with the original weights.

The level ``none`` has no claims. Some attacks are also tried there, to show that it is
the sandbox that stops them and not a mistake in the attack.
"""

import os
import secrets
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.data import load_cifar10
from harness.data.splits import Examples, SplitData
from harness.isolation import PROPERTIES, choose, probe, why_not
from harness.runner.messages import RunReport, RunRequest
from harness.runner.slot import Slot
from harness.runner.task import write_task
from harness.track import find_track
from harness.training.networks import build_network
from harness.weights import Array, WeightSpec

LEVELS = ("full", "partial")
HONEST = "def unlearning(net, retain, forget, validation):\n    return net\n"
# Smaller than by default, so that going past them takes less time.
BOUNDS = {"scratch_bytes": 64 << 20, "n_tasks": 60}
SIZES = {"retain": 40, "forget": 10, "validation": 10, "test": 20}
_tried: dict[str, set[str]] = defaultdict(set)
_untested: dict[str, set[str]] = defaultdict(set)
_unavailable: dict[str, str] = {}


@dataclass
class Lab:
    """One level's slot, and what there is around it to be attacked."""

    level: str
    slot: Slot
    spec: WeightSpec
    original: dict[str, Array]
    split: SplitData
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
        request = RunRequest("attack.py", lines + source, seed, None, memory_bytes)
        report = self.slot.run(request, limit_seconds)
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
        report = self.slot.run(RunRequest("honest.py", HONEST, 1, None, 2 << 30), 30.0)
        assert report.failure is None, report.failure
        assert report.weights == self.spec.pack(self.original)
        assert self.bystander.poll() is None
        assert self.canary_file.read_text() == self.canary

    @property
    def canary_file(self) -> Path:
        """A file of the harness that holds the canary."""
        return self.folder / "canary"


@pytest.fixture(scope="session")
def bench(tmp_path_factory) -> tuple[Path, WeightSpec, dict[str, Array], SplitData]:
    """A task of a few real images and the quick track's network."""
    folder = tmp_path_factory.mktemp("lab")
    data, track = load_cifar10(), find_track("cifar10-quick")
    sets, start = {}, 0
    for name, size in SIZES.items():
        part = slice(start, start + size)
        images = np.ascontiguousarray(data.train_images[part])
        targets = np.asarray(data.train_targets[part], dtype=np.int64)
        sets[name] = Examples(images, targets)
        start += size
    split = SplitData(**sets)
    network = build_network(track.network, seed=3)
    original = {name: t.numpy().copy() for name, t in network.state_dict().items()}
    write_task(folder / "task", track, "cpu", split, original)
    return folder, WeightSpec.of(original), original, split


@pytest.fixture(scope="session")
def _labs(bench) -> Iterator[dict[str, Lab]]:
    """Laboratories by level, made at first use, and what lies around them."""
    folder, spec, original, split = bench
    canary = secrets.token_hex(16)
    (folder / "canary").write_text(canary)
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("CANARY", canary)
        bystander = subprocess.Popen(["sleep", "600"], start_new_session=True)
        stack.callback(bystander.wait)
        stack.callback(bystander.kill)

        class Labs(dict[str, Lab]):
            def __missing__(self, level: str) -> Lab:
                sandbox = replace(choose(level), **BOUNDS)
                slot = Slot(folder / "task", spec, sandbox)
                stack.enter_context(slot)
                around = (folder, canary, bystander)
                self[level] = Lab(level, slot, spec, original, split, *around)
                return self[level]

        yield Labs()


@pytest.fixture(params=LEVELS)
def lab(request, _labs) -> Iterator[Lab]:
    """The laboratory of each level, if what the attack depends on is claimed there."""
    level = request.param
    if reason := why_not(level):
        _unavailable[level] = reason
        pytest.skip(f"the level {level} is not to be had here")
    for marker in request.node.iter_markers("claims"):
        for name in marker.args:
            if not probe(level).properties[name]:
                _untested[level].add(name)
                pytest.skip(
                    f"{level} does not enforce here: {PROPERTIES[name].otherwise}"
                )
    _tried[level].add(request.path.stem)
    laboratory = _labs[level]
    yield laboratory
    laboratory.assert_unharmed()


@pytest.fixture
def unconfined(_labs) -> Lab:
    """The laboratory without a sandbox, to show that an attack does work."""
    return _labs["none"]


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
    for level in LEVELS:
        count = len(_tried[level])
        line = f"isolation {level}: {count} attacks and controls tried"
        if _untested[level]:
            line += f"; not tested here: {', '.join(sorted(_untested[level]))}"
        if level in _unavailable:
            line += f"; {_unavailable[level]}"
        terminalreporter.write_line(line)


def pytest_collection_modifyitems(items) -> None:
    """Keep a hung attack from holding up everything else."""
    for item in items:
        if "adversarial" in item.path.parts:
            item.add_marker(pytest.mark.timeout(90))
