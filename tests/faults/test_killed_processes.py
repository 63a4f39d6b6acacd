"""A process of ours that is killed costs no run, no bit and no other submission."""

import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest

from harness.execution.local import Job, Judge
from harness.processes import WorkerDied
from harness.run.messages import Failure, RunRequest
from harness.sandbox import Level, Sandbox, choose, why_not
from harness.status import Status

METHOD = """
import torch

def unlearning(net, retain, forget, validation):
    for p in net.parameters():
        p.data += 0.01 * torch.randn_like(p)
"""


def jobs(count: int, source: str = METHOD) -> list[Job]:
    return [
        Job(i, RunRequest("method.py", source, seed=100 + i), 30.0)
        for i in range(count)
    ]


@pytest.fixture
def own_judge(bench):
    with Judge(bench, 1, Sandbox(Level.NONE)) as judge:
        yield judge


@pytest.fixture
def undisturbed(shared_judge):
    """The runs of a judge that nobody harms."""
    return {o.job.index: o.run for o in shared_judge.work(jobs(3))}


def assert_same_runs(outcomes, undisturbed):
    assert [o.job.index for o in outcomes] == sorted(undisturbed)
    for outcome in outcomes:
        run, wanted = outcome.run, undisturbed[outcome.job.index]
        assert run.weights_sha256 == wanted.weights_sha256
        assert np.array_equal(run.forget_confidence, wanted.forget_confidence)
        assert np.array_equal(run.test_confidence, wanted.test_confidence)
        assert run.moved == wanted.moved


def template_of(judge: Judge) -> int:
    return judge._slots[0]._worker.pid


def evaluator_of(judge: Judge) -> int:
    return judge._evaluators[0]._worker.pid


@pytest.mark.parametrize("victim", [template_of, evaluator_of])
def test_a_process_killed_between_two_runs_is_replaced(own_judge, undisturbed, victim):
    work = own_judge.work(jobs(1))
    outcomes = list(work)
    pid = victim(own_judge)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    outcomes += own_judge.work(jobs(3)[1:])

    assert_same_runs(outcomes, undisturbed)


def test_a_template_killed_during_a_run_is_replaced_and_the_run_repeated(bench):
    """Where no run can reach its template, a dead one is nobody's fault but ours."""
    level = next((x for x in (Level.FULL, Level.PARTIAL) if not why_not(x)), None)
    if level is None:
        pytest.skip("no isolation guards templates here")
    with Judge(bench, 1, choose(level)) as judge:
        (before,) = judge.work(jobs(1))
        slot = judge._slots[0]
        send, tries = slot._send, []

        def send_and_kill(*args):
            send(*args)
            tries.append(slot._worker.pid)
            if len(tries) == 1:
                os.kill(slot._worker.pid, signal.SIGKILL)

        slot._send = send_and_kill
        (after,) = judge.work(jobs(1))

    assert len(set(tries)) == 2
    assert after.run.weights_sha256 == before.run.weights_sha256


@pytest.mark.parametrize("what", ["slots", "evaluators"])
def test_what_dies_twice_on_a_job_is_our_failure_and_the_next_job_is_done(
    own_judge, undisturbed, what
):
    (victim,) = getattr(own_judge, f"_{what}")
    method = "run" if what == "slots" else "evaluate"
    original, calls = getattr(victim, method), []

    def dying(*args):
        calls.append(args)
        if len(calls) <= 2:
            os.kill(victim._worker.pid, signal.SIGKILL)
            victim._worker._process.wait()
        return original(*args)

    setattr(victim, method, dying)

    first, second, third = own_judge.work(jobs(3))

    assert first.run is None
    assert first.report.failure.status is Status.HARNESS_ERROR
    assert "ended unexpectedly" in first.report.failure.reason
    wanted = {index: undisturbed[index] for index in (1, 2)}
    assert_same_runs([second, third], wanted)


class _Dying:
    """A judge whose processes die whenever a certain submission is called."""

    def __init__(self, judge, doomed: str) -> None:
        self._judge, self._doomed = judge, doomed

    def work(self, jobs):
        for outcome in self._judge.work(jobs):
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
    cli, shared_judge, track_file, write, monkeypatch
):
    doomed, lucky = write(METHOD, "doomed.py"), write(METHOD + "\n", "lucky.py")
    judge = _Dying(shared_judge, "doomed.py")
    monkeypatch.setattr("harness.scoring.scorer.Judge", lambda *_: judge)

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


def test_where_nothing_is_scored_our_failure_is_an_error(own_judge):
    own_judge._slots[0].run = lambda *_: (_ for _ in ()).throw(WorkerDied("it died"))

    (outcome,) = own_judge.work(jobs(1))

    with pytest.raises(WorkerDied, match="it died"):
        outcome.failure_of_its_own()


def test_a_killed_run_is_told_and_leaves_the_next_ones_alone(own_judge, undisturbed):
    source = METHOD + "    import os; os.kill(os.getpid(), 9)\n"
    doomed = jobs(1, source)

    (killed,) = own_judge.work(doomed)
    outcomes = list(own_judge.work(jobs(3)))

    assert killed.report.failure.status is Status.OUT_OF_MEMORY
    assert_same_runs(outcomes, undisturbed)
