"""A run is killed for the CPU time that it uses, not for the time that it waits."""

import os
import subprocess
import sys
from functools import partial

import pytest

from harness.run.cost import WallClock
from harness.run.messages import Limit
from harness.sandbox.child.cpu_counter import perf_works
from harness.status import Status

counted = pytest.mark.skipif(not perf_works(), reason="perf is forbidden to this user")
#: Burns CPU seconds in a grandchild that nobody waits for.
HIDDEN = """
import signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if os.fork() == 0:
    if os.fork() == 0:
        while True: pass
    os._exit(0)
time.sleep(60)"""
BURN = """
import time
end = time.process_time() + 0.6
while time.process_time() < end: pass"""


@counted
@pytest.mark.parametrize("body", ["while True: pass", HIDDEN], ids=["open", "hidden"])
def test_cpu_time_past_its_limit_ends_a_run_wherever_it_was_used(call_body, body):
    report = call_body(body, limit=Limit(cpu_seconds=1, wall_seconds=50))

    assert report.failure.status is Status.TIMEOUT
    reason = "it was stopped after 1 CPU seconds, far past its budget."
    assert report.failure.reason == reason
    assert 1 <= report.usage.cpu_seconds < 5
    assert report.usage.wall_seconds < 50


def test_a_run_that_sleeps_is_stopped_by_the_clock(call_body, monkeypatch):
    idle = partial(WallClock, busy=lambda: 1.0)
    monkeypatch.setattr("harness.run.worker.WallClock", idle)

    report = call_body("import time; time.sleep(60)", limit=Limit(30, 1))

    assert report.failure.status is Status.TIMEOUT
    assert report.failure.reason == "it was stopped after 1 s, far past its budget."


def test_on_a_busy_machine_the_clock_has_patience(call_body, monkeypatch):
    busy = partial(WallClock, busy=lambda: 10.0)
    monkeypatch.setattr("harness.run.worker.WallClock", busy)

    report = call_body("import time; time.sleep(1.5)", limit=Limit(30, 1))

    assert report.failure is None
    assert report.usage.wall_seconds > 1.5


def test_a_run_that_gets_a_small_share_of_its_core_is_not_killed_for_it(call_body):
    argv = [sys.executable, "-c", "while True: pass"]
    # In sessions of their own, among which some kernels share the cores out.
    others = [
        subprocess.Popen(argv, start_new_session=True)
        for _ in range(3 * (os.cpu_count() or 1))
    ]
    try:
        report = call_body(BURN, limit=Limit(cpu_seconds=1, wall_seconds=100))
    finally:
        for other in others:
            other.kill()
            other.wait()

    assert report.failure is None
    assert report.usage.cpu_seconds < 1 < report.usage.wall_seconds
