"""Return at once and leave a daemon behind, to compute or to wait off the clock."""

import pytest

SOURCE = """
import os, signal

def unlearning(net, retain, forget, validation):
    if os.fork() == 0:
        os.setsid()
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        if os.fork() == 0:
            os.closerange(0, 100)
            os.execv("/bin/sleep", ["sleep", MARK])
        os._exit(0)
    return net
"""
MARK = "98.76543"


@pytest.mark.claims("end")
def test_no_process_outlives_the_run_that_started_it(lab, host_processes):
    report = lab.call(SOURCE, MARK=MARK)
    assert report.failure is None
    assert report.usage.wall_seconds < 30
    assert host_processes(MARK) == []
