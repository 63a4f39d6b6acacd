"""Fail on purpose when the draw looks bad, and hope to be drawn again."""

from harness.execution.local import Job, LocalExecutor
from harness.run.messages import RunRequest
from harness.sandbox import Level, choose
from harness.status import Status
from harness.tasks.registry import find_task
from harness.track import find_track

SOURCE = """
import os

def unlearning(net, retain, forget, validation, seed=0):
    if seed % 2:
        raise RuntimeError("a bad draw")
    return net
"""


def test_a_failed_run_is_reported_once_and_never_repeated(unconfined, monkeypatch):
    parts = (find_task(find_track("cifar10-quick")), "cpu", [unconfined.original])
    calls = []
    with LocalExecutor(*parts, 1, choose(Level.NONE)) as executor:
        worker = executor._worker(0)
        run = worker.run
        monkeypatch.setattr(worker, "run", lambda *a: calls.append(a) or run(*a))
        jobs = [Job(seed, RunRequest("attack.py", SOURCE, seed)) for seed in range(4)]
        outcomes = list(executor.work(jobs))
    assert len(calls) == 4
    failures = [o.report.failure.status for o in outcomes if o.run is None]
    assert failures == [Status.ERROR] * 2
    assert sorted(o.job.index for o in outcomes if o.run is not None) == [0, 2]
