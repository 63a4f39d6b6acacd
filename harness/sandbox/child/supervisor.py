"""The supervisor of runs: in a template, forks, confines, watches and measures them.

It runs no code of a submission and reads nothing that a run writes. A request goes
unread past the template to the forked child, so that each run starts from the same
memory and finds no trace of the ones before it.
"""

import fcntl
import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from harness.processes import WorkerDied
from harness.processes.channel import (
    ChannelClosed,
    receive_json,
    receive_json_and_fds,
    send_json,
)
from harness.sandbox.child import privileges
from harness.sandbox.child.confinement import Confinement, FreshUsers, confine
from harness.sandbox.child.cpu_counter import CpuCounters
from harness.sandbox.child.descendants import (
    mapping_bytes,
    own_resident_bytes,
    resident_bytes,
)
from harness.sandbox.child.locks import MOST_LOCKS, held_locks
from harness.sandbox.child.memory_counter import MemoryCounter
from harness.sandbox.child.namespaces import (
    SHARED_MEMORY,
    ProcessNamespaces,
    forbid_user_namespaces,
    keep_facts,
)
from harness.sandbox.child.processes import RunProcesses
from harness.sandbox.child.removal import empty_folder
from harness.sandbox.child.sockets import MOST_SOCKETS, open_sockets

Run = Callable[[dict[str, Any], int], None]

_RESULT, _READY = 3, 4
_REQUEST = b"F"
_LOOK_SECONDS = 0.2
#: Mappings and file locks are counted once in so many looks.
_LOOKS_A_LONG_ONE = 5


class _Limits(NamedTuple):
    """What a run may use, as it was confined to; 0 for no limit."""

    memory_bytes: float = 0
    cpu_seconds: float = 0


class _Before(NamedTuple):
    """What was counted, by each counter, when a run began."""

    seconds: list[float]
    held_bytes: int


class _Watched(NamedTuple):
    """How a run came to its end."""

    harness_gone: bool = False
    out_of_memory: bool = False
    too_many: str = ""
    timed_out: bool = False
    peak_bytes: int = 0


class Supervisor:
    """Serves a template's requests, each in a confined process of its own."""

    def __init__(self, confinement: Confinement) -> None:
        self._confinement = confinement
        cgroup, memory = confinement.cgroup, confinement.memory_cgroup
        self._counters = CpuCounters(Path(cgroup) if cgroup else None)
        self._memory = MemoryCounter(Path(memory)) if memory else None
        self._namespaces = None
        self._looks = 0
        self._users = FreshUsers()
        privileges.become_subreaper()
        if confinement.namespaces:
            self._namespaces = ProcessNamespaces()
            keep_facts()
            forbid_user_namespaces()
        else:
            # Nothing else hides the template from processes of its own user.
            privileges.set_dumpable(False)

    def serve(self, sock: socket.socket, run: Run) -> None:
        """Serve the harness until it has gone.

        `run` is given a request and the file to write the result to, and called in the
        confined process, which ends with it.
        """
        # What the collector counts, and what only a first run finds cold, would tell a
        # run how many came before it.
        gc.collect()
        gc.freeze()
        gc.disable()
        self._hear_of_children()
        traced = self._serve_nothing()
        self._say_ready(sock, traced=traced)
        while marker := sock.recv(1, socket.MSG_PEEK):
            if marker == _REQUEST:
                self._serve_one(sock, run)
            else:
                receive_json(sock)  # An order to end a run that had ended by itself.

    def _hear_of_children(self) -> None:
        """Have a byte to read when a child stops or ends."""
        self._woken, waking = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)

    def _say_ready(self, sock: socket.socket, *, traced: bool) -> None:
        names = [*(["ptrace"] if traced else []), *self._counters.names]
        memory = "each process" if self._memory is None else "cgroup"
        counters = {"cpu": ", ".join(names) or "wait4", "memory": memory}
        send_json(sock, {"ready": True, "counters": counters})

    def _serve_nothing(self) -> bool:
        """Serve a run that does nothing: if it is not confined no other will be.

        Returns whether it could be traced.
        """
        ours, theirs = socket.socketpair()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        with ours, theirs:
            send_json(ours, {}, (nowhere, nowhere))
            traced = self._serve_one(theirs, lambda request, result: None)
            report = receive_json(ours)
        os.close(nowhere)
        if not report["confined"]:
            raise WorkerDied(f"a run could not be confined: {report['words']}")
        return traced

    def _serve_one(self, sock: socket.socket, run: Run) -> bool:
        before = _Before(self._counters.seconds(), self._held_bytes())
        user = self._users.draw() if self._confinement.own_user else None
        (ready, confined), (go, going) = os.pipe(), os.pipe()
        child = self._fork()
        if child == 0:
            os.close(ready)
            os.close(going)
            self._become_run(sock, confined, go, user, run)
        os.close(confined)
        os.close(go)
        processes = self._started(child, ready, going)
        words = self._said_by(ready, processes)
        was_confined = words[:1] == b"R"
        limits = _limits_in(words[1:]) if was_confined else _Limits()
        watched = self._watch(sock, limits, processes, before)
        processes.end()
        if was_confined:
            self._wipe(user)
        if watched.harness_gone:
            os._exit(1)
        report = {
            "confined": was_confined,
            "words": words[1:].decode(errors="replace"),
            "cpu_seconds": self._used_seconds(processes, before),
            "peak_bytes": max(watched.peak_bytes, processes.largest_bytes),
            "exit_code": os.waitstatus_to_exitcode(processes.status),
            "out_of_memory": watched.out_of_memory,
            "too_many": watched.too_many,
            "timed_out": watched.timed_out,
        }
        send_json(sock, report)
        return processes.traced

    def _started(self, child: int, ready: int, going: int) -> RunProcesses:
        """Trace a child from its first steps on; then let it go on."""
        os.read(ready, 1)
        # On a GPU the clock is what counts, and the driver is left alone.
        processes = RunProcesses(child, trace=not self._confinement.gpu)
        os.close(going)
        return processes

    def _said_by(self, ready: int, processes: RunProcesses) -> bytes:
        """Hear whether a run is confined, and let it go on where a signal stops it."""
        try:
            while ready not in self._wait_for([ready], _LOOK_SECONDS, processes):
                pass
            return os.read(ready, 4096)
        finally:
            os.close(ready)

    def _wait_for(
        self, fds: list[int], seconds: float, processes: RunProcesses
    ) -> list[int]:
        """Wait until one of the files can be read; meanwhile, heed the processes."""
        readable, _, _ = select.select([*fds, self._woken], [], [], seconds)
        if self._woken in readable:
            with suppress(BlockingIOError):
                os.read(self._woken, 1 << 16)
            processes.heed()
        return readable

    def _used_seconds(self, processes: RunProcesses, before: _Before) -> float:
        return max(processes.seconds(), self._counters.most_since(before.seconds))

    def _held_bytes(self) -> int:
        return 0 if self._memory is None else self._memory.held_bytes()

    def _fork(self) -> int:
        return os.fork() if self._namespaces is None else self._namespaces.fork()

    def _become_run(
        self, sock: socket.socket, confined: int, go: int, user: int | None, run: Run
    ) -> NoReturn:
        """Read the request, let go of everything else, and become the run."""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            privileges.set_dumpable(True)  # Or it could not be traced.
            os.write(confined, b"T")
            os.read(go, 1)
            request, (result, log) = receive_json_and_fds(sock, 2)
            sock.detach()
            _keep_only(log, result, confined)
            try:
                memory_bytes = request.get("memory_bytes")
                cpu_seconds = request.pop("cpu_limit_seconds", None)
                confine(self._confinement, memory_bytes, user, self._n_others())
            except Exception as error:
                os.write(_READY, b"!" + str(error).encode())
                os._exit(1)
            os.write(_READY, b"R%d %f" % (memory_bytes or 0, cpu_seconds or 0))
            os.close(_READY)
            gc.enable()
            run(request, _RESULT)
        finally:
            os._exit(1)

    def _watch(
        self,
        sock: socket.socket,
        limits: _Limits,
        processes: RunProcesses,
        before: _Before,
    ) -> _Watched:
        """Wait for the run's end, and bring it about where that is due.

        It is due when the harness says so or has gone, and when the run holds too much
        memory or too many of what is memory of no process; and when it has used too
        much CPU time.
        """
        # Plainly, by the same steps each time: what piles up tells runs their number.
        harness_gone = out_of_memory = timed_out = False
        too_many = ""
        peak, baseline = 0, own_resident_bytes()
        pidfd = os.pidfd_open(processes.first)
        fds = [pidfd, sock.fileno()]
        next_look = time.monotonic() + _LOOK_SECONDS
        try:
            while not (out_of_memory or too_many or timed_out):
                seconds = max(0.0, next_look - time.monotonic())
                readable = self._wait_for(fds, seconds, processes)
                if pidfd in readable:
                    break
                if sock.fileno() in readable:
                    harness_gone = not _is_told_to_end(sock)
                    break
                if time.monotonic() < next_look:
                    continue
                self._looks = (self._looks + 1) % _LOOKS_A_LONG_ONE
                long = self._looks == 0
                now = self._memory_bytes(limits, baseline, before, long=long)
                peak = max(peak, now)
                out_of_memory = 0 < limits.memory_bytes < now - baseline
                too_many = self._too_many(long=long)
                timed_out = (
                    0 < limits.cpu_seconds < self._used_seconds(processes, before)
                )
                next_look = time.monotonic() + _LOOK_SECONDS
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        finally:
            os.close(pidfd)
        return _Watched(harness_gone, out_of_memory, too_many, timed_out, peak)

    def _memory_bytes(
        self, limits: _Limits, baseline: int, before: _Before, *, long: bool
    ) -> int:
        """What the run holds, with the `baseline` that it was forked with.

        Only a long look finds mappings, so that they are looked for less often.
        """
        resident = resident_bytes(os.getpid())
        if self._memory is not None:
            return max(resident, self._held_bytes() - before.held_bytes + baseline)
        if not (long and limits.memory_bytes):
            return resident
        return resident + mapping_bytes(os.getpid(), int(limits.memory_bytes) + 1)

    def _too_many(self, *, long: bool) -> str:
        """What the run holds more of than it may; no word if nothing."""
        # Without a network of its own its sockets cannot be told from others'.
        if self._confinement.namespaces and open_sockets() > MOST_SOCKETS:
            return "sockets"
        if long and held_locks(os.getpid()) > MOST_LOCKS:
            return "file locks"
        return ""

    def _n_others(self) -> int:
        """Tasks that the kernel counts with the run's: all of a user it shares."""
        if self._confinement.own_user:
            return 0
        if self._confinement.namespaces:
            return 3  # bubblewrap and the template, in the same user namespace.
        return _tasks_of(os.getuid())

    def _wipe(self, user: int | None) -> None:
        """Take away what the run left; a private mount has gone with it."""
        if self._confinement.namespaces:
            return
        if self._confinement.scratch:
            empty_folder(Path(self._confinement.scratch))
        if user is not None:
            empty_folder(Path(SHARED_MEMORY), owner=user)


def _limits_in(words: bytes) -> _Limits:
    """Read what a run is confined to.

    Not with ``*map(...)``: a tuple that grows from an iterator leaves one more block
    behind in this process each time, and the next run could count them.
    """
    memory_bytes, _, cpu_seconds = words.partition(b" ")
    return _Limits(float(memory_bytes), float(cpu_seconds))


def _keep_only(log: int, result: int, confined: int) -> None:
    """Leave the run its output, its result, and nothing else that was open.

    It gets a process group of its own and no session: sessions are numbered.
    """
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    out_of_the_way = [
        fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _READY + 1) for fd in (result, confined)
    ]
    for fd in (1, 2):
        os.dup2(log, fd)
    for fd, copy in zip((_RESULT, _READY), out_of_the_way, strict=True):
        os.dup2(copy, fd, inheritable=False)
    os.closerange(_READY + 1, os.sysconf("SC_OPEN_MAX"))
    sys.stdout = sys.stderr = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115


def _is_told_to_end(sock: socket.socket) -> bool:
    try:
        receive_json(sock)
    except ChannelClosed:
        return False
    return True


def _tasks_of(user: int) -> int:
    """Count the threads of a user's processes."""
    total = 0
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            with suppress(OSError):
                if path.stat().st_uid == user:
                    total += len(list((path / "task").iterdir()))
    return total
