"""Stop instead of running: the run's own process, so that nobody sees it end."""

from harness.status import Status

SOURCE = """
import os, signal, threading

def unlearning(net, retain, forget, validation):
    os.kill(os.getpid(), signal.SIGSTOP)
    threading.Event().wait()
"""


def test_a_stopped_run_is_ended(lab):
    report = lab.call(SOURCE, limit_seconds=0.7)
    assert report.failure.status is Status.TIMEOUT
