"""Starts workers as forks of a process that has imported torch already.

An import of torch takes three seconds of a core, and tests start hundreds of workers.
Only what is started as a worker without a sandbox is forked; whatever else is given to
``subprocess`` is started as ever.
"""

import inspect
import json
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from harness.processes import worker

_READY = Path(__file__).with_name("ready.py")
_MODULES = ("harness.run.inside.template", "harness.evaluator.worker")
_SIGNATURE = inspect.signature(subprocess.Popen._execute_child)
#: Room for the longest command line.
_ROOM = "-" * 4096


class Ready:
    """The process that is forked, started when it is first needed."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    def fork(self, request: dict[str, Any], fds: list[int]) -> int:
        """Return the process id of a fork that does what is requested."""
        if self._socket is None:
            self._start()
        words = json.dumps(request).encode()
        socket.send_fds(self._socket, [len(words).to_bytes(8)], fds)
        self._socket.sendall(words)
        return int.from_bytes(self._socket.recv(8))

    def _start(self) -> None:
        self._socket, theirs = socket.socketpair()
        words = ":".join([str(worker._PACKAGE_PARENT), *_MODULES])
        argv = [worker.interpreter(), "-I", "-B", str(_READY), str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                [*argv, words, _ROOM],
                env=worker.worker_environment(),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._socket.recv(1)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._process.wait()


def popen(ready: Ready) -> type[subprocess.Popen]:
    """Make a ``Popen`` that forks workers from this process."""

    class Forked(subprocess.Popen):
        def _execute_child(self, *args: Any) -> None:
            given = _SIGNATURE.bind(self, *args).arguments
            argv = given["args"]
            if argv[1:5] != ["-I", "-B", "-c", worker._BOOTSTRAP]:
                super()._execute_child(*args)
                return
            streams = [given[name] for name in ("p2cread", "c2pwrite", "errwrite")]
            places = [0, 1, 2, *given["pass_fds"]]
            request = {
                "argv": argv,
                "environment": dict(given["env"]),
                "folder": str(Path.cwd()),
                "new_session": given["start_new_session"],
                "places": places,
            }
            self.pid = ready.fork(request, [*streams, *given["pass_fds"]])
            self._child_created = True
            pipes = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread")
            self._close_pipe_fds(*(given[name] for name in (*pipes, "errwrite")))

    return Forked


def forking(ready: Ready) -> SimpleNamespace:
    """Stand in for the module ``subprocess`` where workers are started."""
    return SimpleNamespace(**vars(subprocess) | {"Popen": popen(ready)})
