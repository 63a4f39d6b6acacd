"""Burn CPU in grandchildren that nobody waits for, so that rusage does not see it."""

import pytest

SOURCE = """
import os, signal, time

def unlearning(net, retain, forget, validation):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    reading, writing = os.pipe()
    for _ in range(2):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                start = time.process_time()
                while time.process_time() - start < 0.25:
                    pass
            os._exit(0)
    os.close(writing)
    os.read(reading, 1)
    return net
"""


@pytest.mark.claims("cpu-time")
def test_cpu_time_of_processes_that_hide_is_counted(lab):
    report = lab.call(SOURCE)
    assert report.failure is None
    assert report.usage.cpu_seconds >= 0.5
