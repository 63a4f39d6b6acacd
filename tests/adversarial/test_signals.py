"""Kill or stop the harness, its template, a neighbour, or simply everything."""

import os

import pytest

SOURCE = """
import ctypes, fcntl, os, signal

def unlearning(net, retain, forget, validation):
    libc = ctypes.CDLL(None, use_errno=True)
    own = {0, 1, os.getpid()}
    for pid in {os.getppid(), *PIDS} - own:
        for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGKILL):
            for attempt in (
                lambda: os.kill(pid, number),
                lambda: os.killpg(pid, number),
                lambda: libc.tgkill(pid, pid, number),
                lambda: libc.syscall(200, pid, number),
                lambda: signal.pidfd_send_signal(os.pidfd_open(pid), number),
            ):
                try:
                    attempt()
                except OSError:
                    pass
    reading, writing = os.pipe()
    try:
        fcntl.fcntl(reading, fcntl.F_SETOWN, os.getppid() or 1)
        print("owner set")
    except OSError:
        pass
    return net
"""
EVERYTHING = """
import os, signal

def unlearning(net, retain, forget, validation):
    try:
        os.kill(-1, signal.SIGKILL)
    except OSError:
        pass
    return net
"""


@pytest.mark.claims("signals")
def test_nobody_outside_the_run_is_signalled(lab):
    pids = [os.getpid(), lab.bystander.pid, lab.slot._worker.pid]
    assert lab.said(SOURCE, PIDS=pids) == ""
    assert lab.bystander.poll() is None


@pytest.mark.claims("signals")
def test_a_run_that_kills_everything_it_sees_sees_only_itself(lab):
    lab.call(EVERYTHING)
    assert lab.bystander.poll() is None
