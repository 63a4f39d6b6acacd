"""Kill or stop the harness, its template, a neighbour, or simply everything."""

import os
import signal
from pathlib import Path

import pytest

SOURCE = """
import ctypes, fcntl, os, signal

def unlearning(net, retain, forget, validation):
    libc = ctypes.CDLL(None, use_errno=True)
    for pid in {VICTIM, os.getppid(), *PIDS} - {0, 1, os.getpid()}:
        # To be allowed to send signal 0 is to be allowed to send any.
        number = signal.SIGKILL if pid == VICTIM else 0
        for name, attempt in {
            "kill": lambda: os.kill(pid, number),
            "killpg": lambda: os.killpg(pid, number),
            "pidfd": lambda: signal.pidfd_send_signal(os.pidfd_open(pid), number),
        }.items():
            try:
                attempt()
                print(name, pid in (os.getppid(), *PIDS))
            except OSError:
                pass
        if libc.tgkill(pid, pid, number) == 0 or libc.syscall(200, pid, number) == 0:
            print("signalled a thread")
    reading, writing = os.pipe()
    try:
        fcntl.fcntl(reading, fcntl.F_SETOWN, os.getppid() or 1)
        print("owner set")
    except OSError:
        pass
    return net
"""
EVERYBODY = """
import os, signal

def unlearning(net, retain, forget, validation):
    try:
        os.kill(-1, signal.SIGCONT)
    except OSError:
        pass
    return net
"""


def state(process) -> str:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.claims("signals")
def test_nobody_outside_the_run_is_signalled(lab):
    pids = [os.getpid(), lab.worker._worker.pid]
    if lab.level.means.namespaces:
        # Inside, these numbers may be those of the run's own processes.
        pids = []
    assert lab.said(SOURCE, VICTIM=lab.bystander.pid, PIDS=pids) == ""
    assert lab.bystander.poll() is None


@pytest.mark.claims("signals")
def test_a_run_that_signals_everybody_reaches_only_itself(lab):
    """By a signal that does no harm where it gets through: it wakes who is stopped."""
    lab.bystander.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, lab.bystander.pid, os.WSTOPPED | os.WNOWAIT)
    try:
        lab.said(EVERYBODY)
        assert state(lab.bystander) == "T"
    finally:
        lab.bystander.send_signal(signal.SIGCONT)


def test_without_a_sandbox_everybody_is_reached(unconfined):
    unconfined.bystander.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, unconfined.bystander.pid, os.WSTOPPED | os.WNOWAIT)
    source = EVERYBODY.replace("-1", str(unconfined.bystander.pid))
    unconfined.said(source)
    assert state(unconfined.bystander) != "T"
