"""Never return: compute, sleep, stop, or hold the result's pipe open."""

import pytest

from harness.status import Status

SOURCE = """
import os, signal, time

def unlearning(net, retain, forget, validation):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    exec(WAY)
"""
WAYS = {
    "computes": "while True: pass",
    "sleeps": "time.sleep(600)",
    "closed its result and sleeps": "os.closerange(1, 99); time.sleep(600)",
    "forks and waits": "os.fork() or os.setsid(); time.sleep(600)",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_run_that_does_not_end_is_ended(lab, way):
    report = lab.call(SOURCE, WAY=WAYS[way], limit_seconds=0.7)
    assert report.failure.status is Status.TIMEOUT
    assert 0.7 <= report.usage.wall_seconds < 20
