"""Work on this machine: j workers that share a few evaluators do run after run."""

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np

from harness.evaluator.client import EvaluatorProcess, write_evaluator_inputs
from harness.machine import gpus_of, total_memory_bytes
from harness.models.outputs import ModelOutputs, NonFiniteOutputs
from harness.models.records import RunRecord
from harness.models.weights import Array, WeightSpec, relative_distance
from harness.processes import WorkerDied
from harness.processes.lifetime import Closing
from harness.run.cost import Budget, idle_seconds
from harness.run.inputs import RUN_SETS, sets_named, write_inputs
from harness.run.messages import Failure, Request, RunReport, Usage
from harness.run.worker import RunWorker
from harness.sandbox import Sandbox
from harness.sandbox.host.scratch import ScratchFolder
from harness.status import Status
from harness.storage.files import explained, sha256_of
from harness.tasks.base import Task

_WORKERS_AN_EVALUATOR = 4
T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """One run to do: its place among the N, and what to call, or to read.

    Where retrainings are measured by whoever runs it, `bounded` gives the request that
    has the limits of a budget.
    """

    index: int
    request: Request
    bounded: Callable[[Budget], Request] | None = None


class Outcome(NamedTuple):
    """What came of a job: the report, and the finished run unless it failed.

    `idle` are the seconds that it waited without using a core.
    """

    job: Job
    report: RunReport
    run: RunRecord | None
    idle: float = 0.0

    def failure_of_its_own(self) -> Failure | None:
        """Return what the submission failed by; a failure of ours is raised."""
        failure = self.report.failure
        if failure is not None and failure.status == Status.HARNESS_ERROR:
            raise WorkerDied(failure.reason)
        return failure


class LocalExecutor(Closing):
    """Runs jobs in at most `n_jobs` workers. Use it as a context manager.

    Each worker has a thread that waits for its template, then for an evaluator that is
    free. An evaluation takes a fraction of a run, so one evaluator serves several
    workers, and each saved is an import of torch and its memory. Both are started as
    they are needed, so there are never more of them than jobs.

    On GPUs a worker has one of its own, and an evaluator there, which waits for its
    runs: what a run costs by the clock must not depend on its neighbours.
    """

    def __init__(
        self,
        task: Task,
        device: str,
        originals: Sequence[dict[str, Array]],
        n_jobs: int,
        isolation: Sandbox,
    ) -> None:
        self._originals = originals
        self.spec = WeightSpec.of(originals[0])
        self._folder = ScratchFolder()
        self._closed = False
        inputs, measured = self._folder.path / "inputs", self._folder.path / "measured"
        self._gpus = gpus_of(device)
        self._n_jobs = n_jobs = min(n_jobs, len(self._gpus) or n_jobs)
        self._workers: dict[int, RunWorker] = {}
        self._evaluators: list[EvaluatorProcess] = []
        # The last that was given back is taken first; None is one to be started.
        self._free: list[queue.LifoQueue[EvaluatorProcess | None]] = [
            queue.LifoQueue() for _ in self._gpus or [None]
        ]
        self._let_start(n_jobs)
        self._start_worker = partial(
            RunWorker,
            inputs,
            self.spec,
            isolation,
            readable=task.imported(),
        )
        self._start_evaluator = partial(EvaluatorProcess, measured)
        try:
            sets = task.sets()
            kind = device.partition(":")[0]  # The one GPU that is seen is the first.
            with explained(self._folder.path):
                given = sets_named(sets, RUN_SETS)
                write_inputs(inputs, task, kind, originals, given)
                write_evaluator_inputs(measured, task, kind, originals[0], sets)
            # The first of both are sure to be needed, and import torch together.
            self._worker(0)
            self._free[0].put(self._new_evaluator(0))
        except BaseException:
            self.close()
            raise

    def _let_start(self, n_jobs: int) -> None:
        """Let as many evaluators be started as are needed beside the first."""
        for free in self._free[1:]:
            free.put(None)
        if not self._gpus:
            for _ in range(-(-n_jobs // _WORKERS_AN_EVALUATOR) - 1):
                self._free[0].put(None)

    def close(self) -> None:
        """End every process and remove the scratch folder."""
        self._closed = True
        ends = [worker.close for worker in self._workers.values()]
        ends += [evaluator.close for evaluator in self._evaluators]
        threads = [threading.Thread(target=end) for end in ends]
        for thread in threads:
            thread.start()
        _join(threads)
        self._folder.close()

    def work(self, jobs: Sequence[Job]) -> Generator[Outcome, None, None]:
        """Do jobs, in order of their start, and yield each as it is done.

        Closing the iterator waits for the runs in flight and throws them away; to wait
        for nothing, close this first, which is a `WorkerDied`. A job on which a process
        of ours failed twice has the status ``harness-error``.
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
            for i in range(min(self._n_jobs, len(jobs)))
        ]
        try:
            for thread in threads:
                thread.start()
            yield from _until_all_ended(done, len(threads))
        except GeneratorExit:
            # A worker serves one thread at a time: the next work must find it free.
            stop.set()
            _join(threads)
            raise
        finally:
            stop.set()

    def _do(self, job: Job, position: int) -> Outcome:
        try:
            return self._run(job, position)
        except Exception as error:
            if self._closed:
                raise WorkerDied("the processes for runs were ended") from error
            if not isinstance(error, WorkerDied):
                raise
            failure = Failure(Status.HARNESS_ERROR, str(error))
            report = RunReport(Usage(0.0, 0.0, 0), failure=failure)
            return Outcome(job, report, None)

    def _worker(self, position: int) -> RunWorker:
        """Return the worker of a thread, started if it is the first time."""
        worker = self._workers.get(position)
        if worker is None:
            worker = self._workers[position] = self._start_worker(
                gpu=self._gpu(position)
            )
            self._end_if_closed(worker)
        return worker

    def _gpu(self, position: int) -> str | None:
        return self._gpus[position] if self._gpus else None

    def _new_evaluator(self, position: int) -> EvaluatorProcess:
        evaluator = self._start_evaluator(gpu=self._gpu(position))
        self._evaluators.append(evaluator)
        self._end_if_closed(evaluator)
        return evaluator

    def _end_if_closed(self, started: RunWorker | EvaluatorProcess) -> None:
        """End what was started while the others were being ended."""
        if self._closed:
            started.close()
            raise WorkerDied("the processes for runs were ended")

    def _run(self, job: Job, position: int) -> Outcome:
        worker = self._worker(position)
        if self._gpus:
            self._settle(position)
        request = within_share(job.request, self._n_jobs)
        report = _twice(lambda: worker.run(request), worker.restart)
        if report.weights is None:
            return Outcome(job, report, None)
        try:
            outputs = self._evaluate(report.weights, position)
        except NonFiniteOutputs as error:
            failure = Failure(Status.NON_FINITE, str(error))
            return Outcome(job, replace(report, weights=None, failure=failure), None)
        run, idle = self._finished(job, report, outputs), idle_seconds(report.usage)
        return Outcome(job, report, run, idle)

    def _settle(self, position: int) -> None:
        """Have the evaluator of a GPU started and idle before a run's clock starts."""
        evaluator = self._free[position].get()
        try:
            evaluator = evaluator or self._new_evaluator(position)
            _twice(evaluator.await_ready, evaluator.restart)
        finally:
            self._free[position].put(evaluator)

    def _evaluate(self, weights: bytes, position: int) -> ModelOutputs:
        place = position if self._gpus else 0
        evaluator = self._free[place].get()
        try:
            one = evaluator = evaluator or self._new_evaluator(place)
            return _twice(lambda: one.evaluate(weights), one.restart)
        finally:
            self._free[place].put(evaluator)

    def _finished(
        self, job: Job, report: RunReport, outputs: ModelOutputs
    ) -> RunRecord:
        weights, place = report.weights or b"", job.request.original
        original = self._originals[place]
        outputs = replace(outputs, original=np.array([place]))
        return RunRecord(
            index=job.index,
            seed=job.request.seed,
            outputs=outputs.in_single_precision(),
            cpu_seconds=report.usage.cpu_seconds,
            wall_seconds=report.usage.wall_seconds,
            peak_bytes=report.usage.peak_bytes,
            moved=relative_distance(self.spec.unpack(weights), original),
            weights_sha256=sha256_of(weights),
        )


def _twice(action: Callable[[], T], restart: Callable[[], None]) -> T:
    """Do what a process of ours failed at once more, in a fresh one.

    It is our fault, not the submission's: the same run, with the same seed. What failed
    twice is replaced too: a late answer of it would be taken for that to the next job.
    """
    try:
        return action()
    except WorkerDied:
        restart()
    try:
        return action()
    except WorkerDied:
        restart()
        raise


def within_share(request: Request, n_jobs: int) -> Request:
    """Bound a run's memory by its share of the machine's, where it is bounded."""
    if request.memory_bytes is None:
        return request
    share = total_memory_bytes() // n_jobs
    return replace(request, memory_bytes=min(request.memory_bytes, share))


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
