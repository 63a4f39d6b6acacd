"""The executor: runs in workers, measured by evaluators, whatever goes wrong."""

import os
import select
import signal
import threading
from dataclasses import replace

import numpy as np
import pytest

from harness.evaluator import client
from harness.execution import local
from harness.execution.local import Job, LocalExecutor
from harness.processes import WorkerDied
from harness.run.messages import Limit, RunReport, RunRequest, Usage
from harness.sandbox import Level, Sandbox
from harness.status import Status

HEAD = "import os, time, torch\ndef unlearning(net, retain, forget, validation):\n    "


PATIENCE = Limit(wall_seconds=30)


def jobs(body: str, count: int, limit: Limit = PATIENCE) -> list[Job]:
    return [
        Job(i, RunRequest("method.py", HEAD + body, seed=100 + i, limit=limit))
        for i in range(count)
    ]


NOISE = "for p in net.parameters(): p.data += 0.01 * torch.randn_like(p)"


def test_every_job_is_done_once_and_measured(shared_executor, split):
    outcomes = list(shared_executor.work(jobs(NOISE, 5)))

    assert sorted(o.job.index for o in outcomes) == list(range(5))
    for outcome in outcomes:
        run = outcome.run
        assert (run.index, run.seed) == (outcome.job.index, 100 + run.index)
        for confidence in (run.outputs.forget_confidence, run.outputs.test_confidence):
            assert confidence.shape == (1, len(split.forget.targets))
        assert 0 <= run.outputs.accuracy("retain")[0] <= 1
        assert run.moved > 0
        assert run.cpu_seconds > 0


def test_a_job_gives_the_same_bits_in_whatever_company(shared_executor):
    together = {o.job.index: o.run for o in shared_executor.work(jobs(NOISE, 4))}
    alone = {o.job.index: o.run for o in shared_executor.work(jobs(NOISE, 4)[3:])}

    assert together[3].weights_sha256 == alone[3].weights_sha256
    for of in ("forget_confidence", "test_confidence"):
        assert np.array_equal(
            getattr(together[3].outputs, of), getattr(alone[3].outputs, of)
        )
    assert len({run.weights_sha256 for run in together.values()}) == 4


def test_a_network_that_does_not_move_is_measured_as_the_original(
    shared_executor, bank
):
    (outcome,) = shared_executor.work(jobs("return net", 1))

    assert outcome.run.moved == 0
    assert outcome.run.outputs.accuracy("forget") == bank.original.accuracy("forget")


def test_a_failing_job_is_told_and_the_others_are_done(shared_executor):
    body = "assert torch.initial_seed() != 101"

    outcomes = {o.job.index: o for o in shared_executor.work(jobs(body, 3))}

    assert outcomes[1].run is None
    assert outcomes[1].report.failure.status == Status.ERROR
    assert outcomes[0].run is not None
    assert outcomes[2].run is not None


@pytest.mark.parametrize("value", ["3e38", "-3e38"])
def test_finite_weights_with_outputs_that_are_not_are_non_finite(
    shared_executor, value
):
    body = f"net.fc.weight.data.fill_({value})"

    (outcome,) = shared_executor.work(jobs(body, 1))

    assert outcome.run is None
    failure = outcome.report.failure
    assert failure.status == Status.NON_FINITE
    assert failure.reason == "its network's outputs are not finite numbers."


def test_stopping_early_leaves_the_workers_free_for_the_next_work(shared_executor):
    """The runs in flight must not be taken for those of the next submission."""
    slow = "time.sleep(0.3 * (torch.initial_seed() % 2)); return net"
    work = shared_executor.work(jobs(slow, 6))
    next(work)
    work.close()

    assert not [t for t in threading.enumerate() if "serve" in t.name]
    outcomes = list(shared_executor.work(jobs(NOISE, 4)))
    assert sorted(o.job.index for o in outcomes) == [0, 1, 2, 3]
    assert all(o.run is not None and o.run.moved > 0 for o in outcomes)


def test_a_late_answer_is_not_taken_for_that_to_the_next_job(
    open_executor, shared_executor, monkeypatch
):
    first, second = shared_executor.work(jobs(NOISE, 2))
    wanted = {one.job.index: one.run.outputs for one in (first, second)}
    with open_executor(1, Sandbox(Level.NONE)) as executor:
        (evaluator,) = executor._evaluators
        evaluate, tries = evaluator.evaluate, []

        def hang_twice(blob):
            tries.append(blob)
            if len(tries) > 2:
                return evaluate(blob)
            pid = evaluator._worker.pid
            with monkeypatch.context() as patch:
                patch.setattr(client, "_GRACE_SECONDS", 0.5)
                patch.setattr(client, "_PATIENCE", 0.0)
                select.select([evaluator._worker.socket], [], [])  # It has started.
                os.kill(pid, signal.SIGSTOP)
                try:
                    return evaluate(blob)
                finally:
                    os.kill(pid, signal.SIGCONT)

        evaluator.evaluate = hang_twice
        lost, done = executor.work(jobs(NOISE, 2))

    assert lost.report.failure.status is Status.HARNESS_ERROR
    assert "outlasted its time limit" in lost.report.failure.reason
    ours, theirs = done.run.outputs, wanted[1]
    assert np.array_equal(ours.forget_confidence, theirs.forget_confidence)


def test_no_jobs_are_no_work(shared_executor):
    assert list(shared_executor.work([])) == []


def test_a_closed_executor_starts_nothing_again(open_executor):
    executor = open_executor(1, Sandbox(Level.NONE))
    work = executor.work(jobs("while True: pass", 3))
    starter = threading.Thread(target=executor.close)
    starter.start()

    with pytest.raises(WorkerDied):
        list(work)
    starter.join()
    work.close()


def test_there_are_never_more_processes_than_jobs(open_executor):
    with open_executor(1000, Sandbox(Level.NONE)) as executor:
        outcomes = list(executor.work(jobs(NOISE, 2)))
        assert all(o.run is not None for o in outcomes)
        assert len(executor._workers) <= 2
        assert len(executor._evaluators) <= 2


def test_a_run_has_no_more_than_its_share_of_the_machines_memory(monkeypatch):
    monkeypatch.setattr(local, "total_memory_bytes", lambda: 8 << 30)
    request = RunRequest("method.py", "", seed=1, memory_bytes=8 << 30)
    assert local.within_share(request, 1).memory_bytes == 8 << 30
    assert local.within_share(request, 4).memory_bytes == 2 << 30
    assert local.within_share(replace(request, memory_bytes=None), 4) is not None


class Started:
    """Stands for a process of ours, and says on which GPU it is."""

    def __init__(self, *_, gpu=None, **__):
        self.gpu = gpu

    def run(self, request):
        return RunReport(Usage(0.0, 1.0, 0), weights=b"")

    def await_ready(self):
        self.ready = True

    def evaluate(self, weights):
        return self

    def restart(self):
        raise AssertionError("nothing has failed")

    def close(self):
        pass


@pytest.mark.parametrize(
    ("device", "given"),
    [("cuda", ["0", "1"]), ("cuda:1", ["1"]), ("cpu", [None] * 8)],
)
def test_each_gpu_has_one_worker_and_an_evaluator_that_waits_for_it(
    task, bank, monkeypatch, device, given
):
    monkeypatch.setattr("harness.machine._gpu_facts", lambda: (("G", "1"),) * 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("RunWorker", "EvaluatorProcess"):
        monkeypatch.setattr(f"harness.execution.local.{name}", Started)
    monkeypatch.setattr(
        LocalExecutor, "_finished", lambda self, job, report, outputs: outputs
    )
    parts = (task, device, bank.original_weights, 8, Sandbox(Level.NONE))
    with LocalExecutor(*parts) as executor:
        asked = [Job(i, RunRequest("a.py", "", i)) for i in range(6)]
        outcomes = list(executor.work(asked))
        assert len(outcomes) == 6
        assert [executor._worker(i).gpu for i in range(len(given))] == given
        assert len(executor._workers) <= len(given)
        for place, gpu in enumerate(given):
            report = executor._run(asked[0], place)
            assert report.run.gpu == gpu
            assert hasattr(report.run, "ready") is (gpu is not None)
