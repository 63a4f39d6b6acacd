"""The processes of one run: heard of by ptrace, counted, and ended.

A tracer is told of the start and the end of every process, whoever its parent is and
whatever that one ignores, and also after a program was started that may not be read.
So nothing that a run starts ends uncounted. Where tracing is forbidden the processes
are looked at while they live, and those are missed that live between two looks.
"""

import ctypes
import os
import resource
import signal
import time
from contextlib import suppress

from harness.sandbox.child.descendants import descendants, read_quietly
from harness.sandbox.child.syscalls import checked, libc

_CONT, _GETSIGINFO, _SEIZE, _LISTEN = 7, 0x4202, 0x4206, 0x4208
# Follow forks, vforks, clones and programs; end all with the tracer.
_OPTIONS = 0x2 | 0x4 | 0x8 | 0x10 | 0x100000
_EVENT_STOP = 128
_WALL = 0x40000000
_FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP)


class RunProcesses:
    """All processes of a run, from the fork of the first to the end of the last."""

    def __init__(self, first: int, *, trace: bool = True) -> None:
        self.first = first
        self._seconds: dict[int, float] = {}
        self._living: set[int] = set()
        self._past_seconds = self._waited_seconds = 0.0
        self.status, self.largest_bytes, self._fault = -1, 0, 0
        self.traced = trace and _seized(first)

    def heed(self, *, wait: bool = False) -> bool:
        """Take in what has happened, or wait for it; False if nobody is left."""
        how = os.WEXITED | os.WNOWAIT | _WALL | (0 if wait else os.WNOHANG)
        while True:
            try:
                heard = os.waitid(os.P_ALL, 0, how)
                if heard is None:
                    return True
                # Before it is waited for: then it is gone, and its clock with it.
                self._look_at(heard.si_pid)
                pid, status, used = os.wait4(heard.si_pid, _WALL | os.WNOHANG)
            except ChildProcessError:
                return False
            if pid and os.WIFSTOPPED(status):
                self._living.add(pid)
                self._go_on(pid, status)
            elif pid:
                self._bury(pid, status, used)
            if wait:
                return True

    def seconds(self) -> float:
        """CPU time of all, as far as it was heard of or seen."""
        for pid in self._living if self.traced else descendants(os.getpid()):
            self._look_at(pid)
        seen = self._past_seconds + sum(self._seconds.values())
        # What is waited for holds what it had waited for, which a tracer saw already.
        return seen if self.traced else max(seen, self._waited_seconds)

    def end(self) -> None:
        """Kill all that is left, and wait until nothing is."""
        while True:
            for pid in list(descendants(os.getpid())):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            if not self.heed(wait=True):
                return

    def _look_at(self, pid: int) -> None:
        with suppress(OSError):  # A thread has no clock of its own, nor who has gone.
            now = time.clock_gettime(_clock_of(pid))
            before = self._seconds.get(pid, 0.0)
            if now < before:  # The number was given to another process.
                self._past_seconds += before
            self._seconds[pid] = now

    def _bury(self, pid: int, status: int, used: resource.struct_rusage) -> None:
        self._living.discard(pid)
        # Its number may be given to another, which would stand in its place.
        self._past_seconds += self._seconds.pop(pid, 0.0)
        self._waited_seconds += used.ru_utime + used.ru_stime
        self.largest_bytes = max(self.largest_bytes, used.ru_maxrss * 1024)
        if pid == self.first:
            self.status = self._fault or status

    def _go_on(self, pid: int, status: int) -> None:
        """Let a process go on that stopped to tell us, or stay stopped if told to.

        A signal that it stopped for is passed on. Process 1 of a namespace would not
        die of its own fault while it is traced, but run into it for ever.
        """
        event, number = status >> 16, os.WSTOPSIG(status)
        with suppress(OSError):
            if event == _EVENT_STOP and number != signal.SIGTRAP:
                _trace(_LISTEN, pid)
            elif not event and pid == self.first and _dies_of(pid, number):
                self._fault = number
                os.kill(pid, signal.SIGKILL)
            else:
                _trace(_CONT, pid, 0 if event else number)


def _clock_of(pid: int) -> int:
    """CPU clock of a process, as ``clock_getcpuclockid`` has it."""
    return ~pid << 3 | 2


def _seized(pid: int) -> bool:
    try:
        _trace(_SEIZE, pid, _OPTIONS)
    except OSError:
        return False
    return True


def _dies_of(pid: int, number: int) -> bool:
    """Whether a signal is for a fault of the process, and it has no handler for it."""
    if number not in _FAULTS:
        return False
    about = (ctypes.c_int * 32)()
    _trace(_GETSIGINFO, pid, ctypes.addressof(about))
    lines = read_quietly(f"/proc/{pid}/status").splitlines()
    caught = next(int(x.split()[1], 16) for x in lines if x.startswith(b"SigCgt:"))
    return about[2] > 0 and not caught >> (number - 1) & 1


def _trace(request: int, pid: int, data: int = 0) -> None:
    words = ctypes.c_long(pid), ctypes.c_void_p(0), ctypes.c_void_p(data)
    checked(libc().ptrace(ctypes.c_long(request), *words), "ptrace")
