"""What the supervisor sees of processes by looking, and what one cannot hide."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.sandbox.child import processes
from harness.sandbox.child.descendants import mapping_bytes, resident_bytes
from harness.sandbox.child.processes import RunProcesses

HELD = 64 << 20
LEADERLESS = f"""
import ctypes, os, platform, sys, threading, time

def hold(main):
    held = b"x" * {HELD}
    while "(zombie)" not in open(f"/proc/self/task/{{main}}/status").read():
        time.sleep(0.01)
    print("held", flush=True)
    time.sleep(600)

threading.Thread(target=hold, args=(os.getpid(),)).start()
ctypes.CDLL(None).syscall(60 if platform.machine() == "x86_64" else 93, 0)
"""


@pytest.fixture
def leaderless():
    command = [sys.executable, "-S", "-c", LEADERLESS]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_process_whose_first_thread_has_ended_shows_what_it_holds(leaderless):
    """Its own entry shows no size and no mapping, though the others go on."""
    assert "RssAnon" not in Path(f"/proc/{leaderless.pid}/status").read_text()

    assert resident_bytes(os.getpid()) >= HELD
    assert mapping_bytes(os.getpid(), 1 << 30) > 0


def test_who_is_given_the_number_of_one_that_ended_does_not_stand_in_its_place(
    monkeypatch,
):
    """Or a run would fork until the numbers come round, and what was used were gone."""
    run, clocks = RunProcesses(os.getpid(), trace=False), iter((5.0, 6.0))
    monkeypatch.setattr(processes.time, "clock_gettime", lambda _: next(clocks))
    monkeypatch.setattr(processes, "descendants", lambda _: iter(()))
    used = SimpleNamespace(ru_utime=0.0, ru_stime=0.0, ru_maxrss=0)

    for _ in range(2):
        run._look_at(77)
        run._bury(77, signal.SIGKILL, used)

    assert run.seconds() == 11.0
