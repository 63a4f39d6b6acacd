"""Starts processes of ours as forks of one that has imported torch already.

An import of torch takes three seconds of a core, and tests start hundreds of processes
that need it: workers without a sandbox, joblib's, and commands. Whatever else is given
to ``subprocess`` is started as ever.
"""

import inspect
import json
import os
import socket
import subprocess
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any

from joblib.externals.loky.backend import fork_exec as loky

from harness.processes import worker

_READY = Path(__file__).with_name("ready.py")
_WORKERS = ("harness.run.inside.template", "harness.evaluator.worker")
#: The words of a command line after the interpreter, and what to import for it.
_WORKER = ["-I", "-B", "-c", worker._BOOTSTRAP]
_TRAINING = ["-m", "joblib.externals.loky.backend.popen_loky_posix"]
COMMAND = ["-c", "from harness.cli.entry import main; main()"]
_MODULES = {
    tuple(_WORKER): [],
    tuple(_TRAINING): ["harness.reference.training"],
    tuple(COMMAND): ["harness.cli.entry"],
}
_SIGNATURE = inspect.signature(subprocess.Popen._execute_child)
_loky_fork_exec = loky.fork_exec


class Ready:
    """The process that is forked, started when it is first needed."""

    def __init__(self, sock: socket.socket | None = None) -> None:
        self._socket, self._lock = sock, Lock()
        self._process: subprocess.Popen | None = None

    def fork(
        self,
        argv: list[str],
        files: dict[int, int],
        environment: dict[str, str],
        *,
        folder: Path | None = None,
        new_session: bool = False,
    ) -> int:
        """Return the process id of a fork; `files` are ours by their numbers there."""
        request = {
            "argv": argv,
            "modules": _modules_of(argv),
            "forks": argv[1:3] == COMMAND,
            "places": list(files),
            "environment": environment,
            "folder": str(folder or Path.cwd()),
            "new_session": new_session,
        }
        words = json.dumps(request).encode()
        with self._lock:
            sock = self._socket or self._start()
            socket.send_fds(sock, [len(words).to_bytes(8, "big")], [*files.values()])
            sock.sendall(words)
            pid = int.from_bytes(sock.recv(8, socket.MSG_WAITALL), "big")
        assert pid, "the process that forks has gone"
        return pid

    def _start(self) -> socket.socket:
        self._socket, theirs = socket.socketpair()
        argv = [worker.interpreter(), "-I", "-B", str(_READY), str(theirs.fileno())]
        # Room for the longest command line and environment that a fork writes there.
        room = "-" * (1 << 14)
        with theirs:
            self._process = subprocess.Popen(
                [*argv, str(worker._PACKAGE_PARENT), ",".join(_WORKERS), room],
                env=worker.worker_environment() | {"ROOM": room},
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._socket.recv(1)
        return self._socket

    def close(self) -> None:
        """End the process; what was forked from it lives on."""
        if self._process is not None and self._socket is not None:
            self._socket.close()
            self._process.wait()


READY = Ready()


def _modules_of(argv: list[str]) -> list[str] | None:
    for words, modules in _MODULES.items():
        if argv[1 : len(words) + 1] == [*words]:
            return modules
    return None


class Popen(subprocess.Popen):
    """Forks a process of ours, or else starts what it is given."""

    def _execute_child(self, *args: Any) -> None:
        given = _SIGNATURE.bind(self, *args).arguments
        argv = given["args"]
        if isinstance(argv, str) or _modules_of(argv) is None:
            super()._execute_child(*args)
            return
        names = ("p2cread", "c2pwrite", "errwrite")
        streams = [given[name] for name in names]
        files = {i: i if fd == -1 else fd for i, fd in enumerate(streams)}
        self.pid = READY.fork(
            [*argv],
            files | {fd: fd for fd in given["pass_fds"]},
            dict(os.environ if given["env"] is None else given["env"]),
            folder=given["cwd"],
            new_session=given["start_new_session"],
        )
        self._child_created = True
        ends = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        self._close_pipe_fds(*(given[name] for name in ends))


def fork_for_joblib(
    cmd: list[str], keep_fds: list[int], env: dict[str, str] | None = None
) -> int:
    """Do as loky does where it starts a process."""
    if _modules_of(cmd) is None:
        return int(_loky_fork_exec(cmd, keep_fds, env))
    files = {fd: fd for fd in (0, 1, 2, *map(int, keep_fds))}
    return READY.fork(cmd, files, {**os.environ, **(env or {})})


#: Stands in for the module ``subprocess``.
FORKING = SimpleNamespace(**vars(subprocess) | {"Popen": Popen})


def fork_from(sock: socket.socket | None = None) -> None:
    """Fork workers of this process, from the one at the other end or a new one."""
    if sock is not None:
        sock.recv(1)
    READY._socket = sock
    worker.subprocess = FORKING
    loky.fork_exec = fork_for_joblib
