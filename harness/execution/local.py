"""The judge: j slots that share a few evaluators, working through runs."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np

from harness.evaluator.client import Evaluator, write_evaluator_inputs
from harness.metrics.inputs.confidence import logit_scaled_confidence
from harness.models.outputs import ModelOutputs, Outputs
from harness.models.records import RunRecord
from harness.models.weights import Array, WeightSpec, relative_distance
from harness.processes import WorkerDied
from harness.processes.lifetime import Closing
from harness.run.inputs import write_task
from harness.run.messages import (
    CheckpointRequest,
    Failure,
    RunReport,
    RunRequest,
    Usage,
)
from harness.run.worker import Slot
from harness.sandbox import Sandbox
from harness.sandbox.host.scratch import ScratchFolder
from harness.status import Status
from harness.storage.files import explained, sha256_of
from harness.tasks.images.splits import SplitData
from harness.track.schema import Track

_SLOTS_AN_EVALUATOR = 4
T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """One run to do: its index, what to call, and when to kill it (wall seconds).

    To read a checkpoint that was made elsewhere is a run too.
    """

    index: int
    request: RunRequest | CheckpointRequest
    limit_seconds: float | None


class Outcome(NamedTuple):
    """What came of a job: the report, and the finished run unless it failed."""

    job: Job
    report: RunReport
    run: RunRecord | None

    def failure_of_its_own(self) -> Failure | None:
        """Return what the submission failed by, where nobody scores it.

        Raises
        ------
        WorkerDied
            If it was a process of ours that failed.
        """
        failure = self.report.failure
        if failure is not None and failure.status == Status.HARNESS_ERROR:
            raise WorkerDied(failure.reason)
        return failure


@dataclass(frozen=True)
class Bench:
    """What runs are made with and judged on.

    Attributes
    ----------
    track : Track
        Whose network and recipe.
    device : str
        ``"cpu"`` or ``"cuda"``.
    split : SplitData
        Forget, retain, validation and test examples.
    original : dict of arrays
        Weights of the original model.
    """

    track: Track
    device: str
    split: SplitData
    original: dict[str, Array]


class Judge(Closing):
    """Runs jobs in `n_jobs` slots. Use it as a context manager.

    Each slot is a thread that waits for its template, then for an evaluator that is
    free. An evaluation takes a fraction of a run, so one evaluator serves several
    slots, and each saved is an import of torch and its memory.
    """

    def __init__(self, bench: Bench, n_jobs: int, sandbox: Sandbox) -> None:
        self._bench = bench
        self.spec = WeightSpec.of(bench.original)
        self._folder = ScratchFolder()
        self._closed = False
        task, sets = self._folder.path / "task", self._folder.path / "sets"
        self._slots: list[Slot] = []
        self._evaluators: list[Evaluator] = []
        self._free: queue.SimpleQueue[Evaluator] = queue.SimpleQueue()
        try:
            with explained(self._folder.path):
                write_task(task, bench.track, bench.device, bench.split, bench.original)
                write_evaluator_inputs(sets, bench.split, self.spec)
            for _ in range(n_jobs):
                slot = Slot(task, self.spec, sandbox, gpu=bench.device == "cuda")
                self._slots.append(slot)
            for _ in range(-(-n_jobs // _SLOTS_AN_EVALUATOR)):
                evaluator = Evaluator(bench.track, bench.device, sets)
                self._evaluators.append(evaluator)
                self._free.put(evaluator)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End every process and remove the scratch folder."""
        self._closed = True
        for slot in self._slots:
            slot.close()
        for evaluator in self._evaluators:
            evaluator.close()
        self._folder.close()

    def work(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do jobs, in order of their start, and yield each as it is done.

        Closing the iterator waits for the runs in flight and throws them away; to wait
        for nothing, close the judge first. A job on which a process of ours failed
        twice has the status ``harness-error``.

        Raises
        ------
        WorkerDied
            If the judge is closed meanwhile.
        """
        waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
        for job in jobs:
            waiting.put(job)
        done: queue.SimpleQueue[Outcome | BaseException | None] = queue.SimpleQueue()
        stop = threading.Event()

        def serve(position: int) -> None:
            try:
                while not stop.is_set():
                    done.put(self._do(waiting.get_nowait(), position))
            except queue.Empty:
                pass
            except BaseException as error:
                done.put(error)
            finally:
                done.put(None)

        threads = [
            threading.Thread(target=serve, args=(i,), daemon=True)
            for i in range(len(self._slots))
        ]
        for thread in threads:
            thread.start()
        try:
            yield from _until_all_ended(done, len(threads))
        except GeneratorExit:
            # A slot serves one thread at a time: the next work must find it free.
            stop.set()
            _join(threads)
            raise
        finally:
            stop.set()
        _join(threads)

    def _do(self, job: Job, position: int) -> Outcome:
        try:
            return self._judged(job, self._slots[position])
        except WorkerDied as error:
            if self._closed:
                raise
            failure = Failure(Status.HARNESS_ERROR, str(error))
            report = RunReport(Usage(0.0, 0.0, 0), failure=failure)
            return Outcome(job, report, None)

    def _judged(self, job: Job, slot: Slot) -> Outcome:
        report = _twice(lambda: slot.run(job.request, job.limit_seconds), slot.restart)
        if report.weights is None:
            return Outcome(job, report, None)
        outputs = self._evaluate(report.weights)
        if not all(np.isfinite(logits).all() for logits in outputs[:2]):
            reason = "its network's outputs are not finite numbers."
            failure = Failure(Status.NON_FINITE, reason)
            return Outcome(job, replace(report, weights=None, failure=failure), None)
        return Outcome(job, report, self._finished(job, report, outputs))

    def _evaluate(self, weights: bytes) -> Outputs:
        evaluator = self._free.get()
        try:
            return _twice(lambda: evaluator.evaluate(weights), evaluator.restart)
        finally:
            self._free.put(evaluator)

    def _finished(self, job: Job, report: RunReport, outputs: Outputs) -> RunRecord:
        weights = report.weights or b""
        split = self._bench.split
        forget = logit_scaled_confidence(outputs.forget_logits, split.forget.targets)
        test = logit_scaled_confidence(outputs.test_logits, split.test.targets)
        moved = relative_distance(self.spec.unpack(weights), self._bench.original)
        return RunRecord(
            index=job.index,
            seed=job.request.seed,
            outputs=ModelOutputs(
                forget_confidence=forget[np.newaxis].astype(np.float32),
                test_confidence=test[np.newaxis].astype(np.float32),
                retain_accuracy=np.array([outputs.retain_accuracy]),
                forget_accuracy=np.array([outputs.forget_accuracy]),
                test_accuracy=np.array([outputs.test_accuracy]),
            ),
            cpu_seconds=report.usage.cpu_seconds,
            wall_seconds=report.usage.wall_seconds,
            peak_bytes=report.usage.peak_bytes,
            moved=moved,
            weights_sha256=sha256_of(weights),
        )


def _twice(action: Callable[[], T], restart: Callable[[], None]) -> T:
    """Do what a process of ours failed at once more, in a fresh one.

    It is our fault, not the submission's: the same run, with the same seed.
    """
    try:
        return action()
    except WorkerDied:
        restart()
    return action()


def _join(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.join()


def _until_all_ended(
    done: "queue.SimpleQueue[Outcome | BaseException | None]", n_threads: int
) -> Iterator[Outcome]:
    running = n_threads
    while running:
        item = done.get()
        if item is None:
            running -= 1
        elif isinstance(item, BaseException):
            raise item
        else:
            yield item
