"""A process of ours that is killed costs no run, no bit and no other submission."""

import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest

from harness.execution.local import Job, LocalExecutor
from harness.processes import WorkerDied
from harness.run.messages import Failure, Limit, RunRequest
from harness.sandbox import Level, Sandbox, choose, why_not
from harness.status import Status

METHOD = """
import torch

def unlearning(net, retain, forget, validation):
    for p in net.parameters():
        p.data += 0.01 * torch.randn_like(p)
"""


LIMIT = Limit(wall_seconds=30)


def jobs(count: int, source: str = METHOD) -> list[Job]:
    return [
        Job(i, RunRequest("method.py", source, seed=100 + i, limit=LIMIT))
        for i in range(count)
    ]


@pytest.fixture
def own_executor(open_executor):
    with open_executor(1, Sandbox(Level.NONE)) as executor:
        yield executor


@pytest.fixture
def undisturbed(shared_executor):
    """The runs of an executor that nobody harms."""
    return {o.job.index: o.run for o in shared_executor.work(jobs(3))}


def assert_same_runs(outcomes, undisturbed):
    assert [o.job.index for o in outcomes] == sorted(undisturbed)
    for outcome in outcomes:
        run, wanted = outcome.run, undisturbed[outcome.job.index]
        assert run is not None, outcome.report.failure
        assert run.weights_sha256 == wanted.weights_sha256
        for of in ("forget_confidence", "test_confidence"):
            ours, theirs = getattr(run.outputs, of), getattr(wanted.outputs, of)
            assert np.array_equal(ours, theirs)
        assert run.moved == wanted.moved


def template_of(executor: LocalExecutor) -> int:
    return executor._workers[0]._worker.pid


def evaluator_of(executor: LocalExecutor) -> int:
    return executor._evaluators[0]._worker.pid


@pytest.mark.parametrize("victim", [template_of, evaluator_of])
def test_a_process_killed_between_two_runs_is_replaced(
    own_executor, undisturbed, victim
):
    work = own_executor.work(jobs(1))
    outcomes = list(work)
    pid = victim(own_executor)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    outcomes += own_executor.work(jobs(3)[1:])

    assert_same_runs(outcomes, undisturbed)


def test_a_template_killed_during_a_run_is_replaced_and_the_run_repeated(open_executor):
    """Where no run can reach its template, a dead one is nobody's fault but ours."""
    level = next((x for x in (Level.FULL, Level.PARTIAL) if not why_not(x)), None)
    if level is None:
        pytest.skip("no isolation guards templates here")
    with open_executor(1, choose(level)) as executor:
        (before,) = executor.work(jobs(1))
        worker = executor._workers[0]
        send, tries = worker._send, []

        def send_and_kill(*args):
            send(*args)
            tries.append(worker._worker.pid)
            if len(tries) == 1:
                os.kill(worker._worker.pid, signal.SIGKILL)

        worker._send = send_and_kill
        # So slow that the run is under way when its template dies.
        slow = METHOD.replace(
            "    for p in", "    __import__('time').sleep(1)\n    for p in"
        )
        (after,) = executor.work(jobs(1, slow))

    assert len(set(tries)) == 2
    assert after.run.weights_sha256 == before.run.weights_sha256


@pytest.mark.parametrize("what", ["workers", "evaluators"])
def test_what_dies_twice_on_a_job_is_our_failure_and_the_next_job_is_done(
    own_executor, undisturbed, what
):
    found = getattr(own_executor, f"_{what}")
    (victim,) = found.values() if isinstance(found, dict) else found
    method = "run" if what == "workers" else "evaluate"
    original, calls = getattr(victim, method), []

    def dying(*args):
        calls.append(args)
        if len(calls) <= 2:
            os.kill(victim._worker.pid, signal.SIGKILL)
            victim._worker._process.wait()
        return original(*args)

    setattr(victim, method, dying)

    first, second, third = own_executor.work(jobs(3))

    assert first.run is None
    assert first.report.failure.status is Status.HARNESS_ERROR
    assert "ended unexpectedly" in first.report.failure.reason
    wanted = {index: undisturbed[index] for index in (1, 2)}
    assert_same_runs([second, third], wanted)


class _Dying:
    """An executor whose processes die whenever a certain submission is called."""

    def __init__(self, executor, doomed: str) -> None:
        self._executor, self._doomed = executor, doomed

    def work(self, jobs):
        for outcome in self._executor.work(jobs):
            yield self._ended(outcome) if self._is_doomed(outcome) else outcome

    def close(self) -> None:
        pass

    def _is_doomed(self, outcome) -> bool:
        return outcome.job.request.filename == self._doomed

    def _ended(self, outcome):
        reason = "the evaluator ended unexpectedly: it said nothing"
        failure = Failure(Status.HARNESS_ERROR, reason)
        report = replace(outcome.report, weights=None, failure=failure)
        return outcome._replace(run=None, report=report)


def test_our_failure_is_one_submissions_result_and_the_others_are_scored(
    cli, shared_executor, track_file, write, monkeypatch
):
    doomed, lucky = write(METHOD, "doomed.py"), write(METHOD + "\n", "lucky.py")
    executor = _Dying(shared_executor, "doomed.py")
    monkeypatch.setattr("harness.scoring.scorer.LocalExecutor", lambda *_: executor)

    ended = cli(
        *("score", doomed, lucky, "--json", "--track", track_file),
        *("-o", doomed.parent / "runs", "--isolation", "none"),
    )

    results = {r["submission"]: r for r in json.loads(ended.out)["results"]}
    assert results["doomed"]["status"] == "harness-error"
    assert "the evaluator ended unexpectedly" in results["doomed"]["reason"]
    assert results["lucky"]["status"] == "scored"
    assert ended.code == 1
    assert "Traceback" not in ended.err


def test_where_nothing_is_scored_our_failure_is_an_error(own_executor):
    own_executor._workers[0].run = lambda *_: (_ for _ in ()).throw(
        WorkerDied("it died")
    )

    (outcome,) = own_executor.work(jobs(1))

    with pytest.raises(WorkerDied, match="it died"):
        outcome.failure_of_its_own()


def test_a_killed_run_is_told_and_leaves_the_next_ones_alone(own_executor, undisturbed):
    source = METHOD + "    import os; os.kill(os.getpid(), 9)\n"
    doomed = jobs(1, source)

    (killed,) = own_executor.work(doomed)
    outcomes = list(own_executor.work(jobs(3)))

    assert killed.report.failure.status is Status.OUT_OF_MEMORY
    assert_same_runs(outcomes, undisturbed)
