"""What happens on a worker of a cluster: it joins, prepares once, and does items.

A worker is one process, and does one thing at a time, so that what a run costs is not
the cost of its neighbours in the process.
"""

import pickle
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from harness.errors import UnlearnEvalError
from harness.execution.local import Job, LocalExecutor, within_share
from harness.execution.retraining import measure_retraining
from harness.machine import (
    gpus_of,
    installed_version,
    is_gpu,
    named_machine,
    this_machine,
)
from harness.metrics import METRICS_VERSION
from harness.models.records import ModelRecord, RunRecord
from harness.models.weights import Array
from harness.processes.own_gpu import own_gpu
from harness.run.calibration import (
    Calibration,
    CalibrationKey,
    oracle_path,
    read_calibration,
    write_calibration,
)
from harness.run.cost import Budget
from harness.run.messages import RunReport
from harness.run.submission import read_submission
from harness.sandbox import Sandbox, choose
from harness.storage.shipped import package_digest
from harness.tasks.base import Task
from harness.tasks.registry import find_task
from harness.track.schema import Track

#: Kinds of work that a worker keeps ready; each holds a template and an evaluator.
_MOST_READY = 2


class Unprepared(UnlearnEvalError):
    """A worker has not got ready for this work, or no more."""


class Joined(NamedTuple):
    """What a worker says when it is asked to take part: why not, or what it is."""

    refused: str = ""
    machine: str = ""
    arithmetic: str = ""


@dataclass(kw_only=True)
class Work(ABC):
    """One kind of work on a track, for every worker alike."""

    track: Track
    data_dir: Path | None
    data_hash: str
    engine_version: str

    @cached_property
    def task(self) -> Task:
        """What is trained on, from the data that this machine has."""
        return find_task(self.track, self.data_dir)

    def prepare(self, n_neighbours: int) -> str:
        """Get ready on this machine; return why that cannot be, or nothing."""
        del n_neighbours
        if is_gpu(self.track.device) and not gpus_of(self.track.device):
            return f"it has no {self.track.device}"
        if own_gpu(self.track.device) is None:
            return "other processes have all its GPUs; start one worker for each"
        if self.task.data_hash != self.data_hash:
            return _differs("data", self.task.data_hash, self.data_hash)
        if self.task.engine_version != self.engine_version:
            return _differs("engine", self.task.engine_version, self.engine_version)
        self.task.sets()
        return ""

    @abstractmethod
    def do(self, item: Any) -> Any:
        """Do one item, and return what crosses to whoever asked for it."""

    def close(self) -> None:  # noqa: B027 - there may be nothing to end
        """End what was prepared."""


class Trained(NamedTuple):
    """A model of a bank; weights are those of an original model alone."""

    record: ModelRecord
    weights: dict[str, Array]


@dataclass(kw_only=True)
class Training(Work):
    """Train models of a bank; an item is an index."""

    seed: int

    def do(self, item: int) -> Trained:
        """Train a model; only its outputs cross, but for an original one."""
        from harness.reference.training import train_member  # noqa: PLC0415 - torch

        record, weights = train_member(self.track, self.seed, item, self.data_dir)
        return Trained(record, weights if item < 0 else {})


class Made(NamedTuple):
    """What came of a run: no weights, and how long retrainings waited there."""

    report: RunReport
    run: RunRecord | None
    idle: float
    waited: float


@dataclass(kw_only=True)
class Running(Work):
    """Run submissions from a warm template; an item is a job."""

    originals: Sequence[Mapping[str, Array]]
    isolation: Sandbox

    def prepare(self, n_neighbours: int) -> str:
        """Start the template, at the level of isolation that all have agreed on."""
        if refused := super().prepare(n_neighbours):
            return refused
        agreed, own = self.isolation, choose(self.isolation.level)
        if more := set(own.not_enforced) - set(agreed.not_enforced):
            return f"its isolation does not enforce: {', '.join(sorted(more))}"
        originals = list(map(dict, self.originals))
        device = own_gpu(self.track.device) or self.track.device
        self._n_neighbours = n_neighbours
        self._executor = LocalExecutor(self.task, device, originals, 1, own)
        return ""

    def do(self, item: Job) -> Made:
        """Do a run; what crosses is its record."""
        calibration = self._calibration if item.bounded else None
        request = item.request
        if calibration and item.bounded:
            cap = self.track.evaluation.cap
            bounded = item.bounded(Budget(cap, median(calibration.seconds)))
            request = replace(bounded, original=request.original)
        request = within_share(request, self._n_neighbours)
        (outcome,) = self._executor.work([replace(item, request=request)])
        outcome.failure_of_its_own()  # One of ours is raised, and tried elsewhere.
        report, run = replace(outcome.report, weights=None), outcome.run
        if run is not None:
            run = replace(
                run,
                machine=named_machine(),
                arithmetic=this_machine().arithmetic_on(self.track.device),
                retraining_seconds=calibration.seconds if calibration else (),
            )
        waited = calibration.waited if calibration else 0.0
        return Made(report, run, outcome.idle, waited)

    def close(self) -> None:
        """End the template."""
        self._executor.close()

    @cached_property
    def _calibration(self) -> Calibration:
        """Measure a retraining as the runs are made, if it is not kept."""
        oracle = read_submission(oracle_path())
        device, level = self.track.device.partition(":")[0], self.isolation.level
        jobs = self._n_neighbours
        key = CalibrationKey(self.track, device, jobs, level, oracle.sha256)
        found = read_calibration(key)
        if found is None:
            found = measure_retraining(self._executor, oracle, device, 1)
            if not found.busy:
                write_calibration(key, found)
        return found


def versions() -> dict[str, str]:
    """Return what must be the same on all machines, whatever their arithmetic."""
    return {
        "unlearn-eval": package_digest(),
        "torch": installed_version("torch"),
        "numpy": installed_version("numpy"),
        "metrics version": str(METRICS_VERSION),
    }


_ready: dict[str, Work] = {}
_one_at_a_time = threading.Lock()


def join(
    wanted: Mapping[str, str], key: str, packed: bytes, n_neighbours: int
) -> Joined:
    """Get this worker ready for some work, once, or say why it cannot take part.

    The work is unpacked only where the code is the same.
    """
    if skewed := skew(wanted):
        return Joined(skewed)
    with _one_at_a_time:
        if key not in _ready:
            work: Work = pickle.loads(packed)
            try:
                refused = work.prepare(n_neighbours)
            except UnlearnEvalError as error:
                refused = str(error).rstrip(".")
            if refused:
                return Joined(refused)
            _keep(key, work)
        arithmetic = this_machine().arithmetic_on(_ready[key].track.device)
        return Joined("", named_machine(), arithmetic)


def skew(wanted: Mapping[str, str]) -> str:
    """Say which version is another here than what is wanted; mostly nothing."""
    ours = versions()
    for name, version in wanted.items():
        if ours.get(name) != version:
            return _differs(name, ours.get(name, "missing"), version)
    return ""


def _differs(name: str, theirs: str, ours: str) -> str:
    return f"its {name} is {theirs}, and {ours} is needed"


def _keep(key: str, work: Work) -> None:
    _ready[key] = work
    while len(_ready) > _MOST_READY:
        _ready.pop(next(iter(_ready))).close()


def do(key: str, item: Any) -> Any:
    """Do an item of a kind of work that this worker has joined."""
    with _one_at_a_time:
        if key not in _ready:
            raise Unprepared("this worker is not ready for that work")
        return _ready[key].do(item)


def leave(key: str) -> None:
    """End what was prepared for some work."""
    with _one_at_a_time:
        if key in _ready:
            _ready.pop(key).close()


def offered(wanted: str, needed: Mapping[str, str]) -> Sandbox | str:
    """Say how this worker keeps runs apart, or why it takes no part."""
    return skew(needed) or choose(wanted)
