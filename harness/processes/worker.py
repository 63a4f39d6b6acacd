"""A child process with a clean environment and one socket to its parent."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path

from harness.errors import UnlearnEvalError
from harness.processes.channel import ChannelClosed
from harness.processes.lifetime import Closing

_PACKAGE_PARENT = Path(__file__).resolve().parents[2]
# -I keeps PYTHONPATH, the working directory and the user's site out of it; the one
# folder that is needed is then named.
_BOOTSTRAP = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from importlib import import_module; "
    "import_module(sys.argv[2]).main(int(sys.argv[3]), sys.argv[4:])"
)
_GRACE_SECONDS = 5.0
#: The order says which GPUs are meant by their numbers.
_GPUS = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")
_KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", *_GPUS)
#: What torchvision says when it was built for another torch.
TORCH_MISMATCH = "torchvision::nms does not exist"


@cache
def _launcher(process: int) -> ThreadPoolExecutor:
    """Thread that starts a process's workers, and lasts as long as it does.

    bubblewrap's sandbox dies with the thread that started it, not with the process.
    """
    return ThreadPoolExecutor(1, thread_name_prefix=f"launcher of {process}")


class WorkerDied(UnlearnEvalError):
    """A process of ours ended when it should not have."""


def interpreter() -> str:
    """Return this Python's path without ``..`` and linked folders, good in a sandbox.

    Its own link is kept: it is what tells a virtual environment.
    """
    executable = Path(sys.executable)
    return str(executable.parent.resolve() / executable.name)


def worker_environment() -> dict[str, str]:
    """Environment of every worker: one thread, nothing inherited that is not needed.

    The allocator is told to keep freed memory: giving it back to the system and
    faulting it in again costs a tenth of a training step.
    """
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | {
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
        "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
    }


def _seeing(gpu: str | None) -> dict[str, str]:
    return {} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu}


class WorkerProcess(Closing):
    """A running worker. Use it as a context manager; leaving it kills the worker.

    The process runs the ``main(fd, args)`` of a module. `wrap` turns its command line
    into another one: the place for a sandbox. Of several GPUs it sees one alone.
    """

    def __init__(
        self,
        module: str,
        args: list[str],
        wrap: Callable[[list[str]], list[str]] = list,
        *,
        gpu: str | None = None,
    ) -> None:
        self.socket, theirs = socket.socketpair()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed in kill()
        argv = [interpreter(), "-I", "-B", "-c", _BOOTSTRAP, str(_PACKAGE_PARENT)]
        with theirs:
            self._process = (
                _launcher(os.getpid())
                .submit(
                    subprocess.Popen,
                    wrap([*argv, module, str(theirs.fileno()), *args]),
                    stdin=subprocess.DEVNULL,
                    stdout=self._stderr,
                    stderr=self._stderr,
                    env=worker_environment() | _seeing(gpu),
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
                .result()
            )

    @property
    def pid(self) -> int:
        """Process id, which is also its process group."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the process is dead, whoever of its children holds its socket."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """End the process and its group, at once and for good; safe to repeat."""
        with suppress(ProcessLookupError):
            if self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.socket.close()
        self._stderr.close()

    close = kill

    def end(self) -> None:
        """Let the process end what it has started, then end it; safe to repeat.

        A worker ends when its socket does. One that is too busy to is killed.
        """
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_SECONDS)
        self.kill()

    def died(self, what: str) -> WorkerDied:
        """Build the error for a worker that has gone, from what it last said."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2)
        self._stderr.seek(0)
        words = self._stderr.read()[-20_000:].decode(errors="replace").strip()
        if TORCH_MISMATCH in words:
            return WorkerDied(
                "torch and torchvision do not fit together (operator "
                "torchvision::nms does not exist). Install a matching pair: "
                "pip install --force-reinstall torch torchvision."
            )
        last = words.splitlines()[-1] if words else "it said nothing"
        return WorkerDied(f"{what} ended unexpectedly: {last}")


def worker_main(fd: int, serve: Callable[[socket.socket], None]) -> None:
    """Run a worker's loop until its parent has gone.

    Ctrl-C reaches the whole terminal session; the parent decides what it means.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=fd) as sock, suppress(ChannelClosed, BrokenPipeError):
        serve(sock)
