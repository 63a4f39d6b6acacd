"""The template: has imported torch, holds the inputs, and forks once for each run.

An import of torch takes a second, a fork of a process that has it takes milliseconds.
The template holds no test set, no bank, and nothing of the score. It runs no code of a
submission: that happens in the forked child, which ends with the run.
"""

import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from harness.data.images import normalize
from harness.processes import worker_main
from harness.processes.channel import (
    ChannelClosed,
    receive_json,
    receive_json_and_fds,
    send_json,
)
from harness.runner.call import Prepared, call_submission, leave, prepare
from harness.runner.messages import FAILURE, WEIGHTS, Failure, RunRequest
from harness.runner.task import read_task

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def main(fd: int, args: list[str]) -> None:
    """Serve runs until the harness has gone.

    Parameters
    ----------
    fd : int
        Socket to the harness.
    args : list of str
        The folder of the task.
    """
    torch.set_num_threads(1)
    task = read_task(Path(args[0]))
    sets = {
        name: (normalize(examples.images), torch.as_tensor(examples.targets))
        for name in ("retain", "forget", "validation")
        for examples in [getattr(task, name)]
    }
    prepared = prepare(task, sets)
    _import_late_parts()
    _become_subreaper()

    def serve(sock: socket.socket) -> None:
        send_json(sock, {"ready": True})
        while True:
            message, fds = receive_json_and_fds(sock, 2)
            send_json(sock, _run(RunRequest(**message), fds, prepared, sock))

    worker_main(fd, serve)


def _import_late_parts() -> None:
    """Have torch import what it imports late, at the first step of an optimizer.

    That takes a second, which every run would pay otherwise, and the cheap methods,
    whose whole budget is a second, would pay the most.
    """
    weight = torch.nn.Parameter(torch.zeros(1))
    weight.grad = torch.zeros(1)
    for optimizer in (torch.optim.SGD, torch.optim.Adam):
        optimizer([weight], lr=0.1).step()


def _become_subreaper() -> None:
    """Make orphans of a run our children, so that we can end and count them."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _run(
    request: RunRequest, fds: list[int], prepared: Prepared, sock: socket.socket
) -> dict[str, Any]:
    """Fork, wait until every process of the run has gone, and say what it used."""
    child = os.fork()
    if child == 0:
        sock.close()
        _in_child(request, fds, prepared)
    for fd in fds:
        os.close(fd)
    harness_gone = not _wait_or_kill(child, sock)
    _, status, used = os.wait4(child, 0)
    cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss
    for used in _end_descendants():
        cpu += used.ru_utime + used.ru_stime
        peak = max(peak, used.ru_maxrss)
    if harness_gone:
        leave(1)
    return {
        "cpu_seconds": cpu,
        "peak_bytes": peak * 1024,
        "exit_code": os.waitstatus_to_exitcode(status),
    }


def _wait_or_kill(child: int, sock: socket.socket) -> bool:
    """Wait for the child's end, and bring it about if the harness says so or has gone.

    Returns whether the harness is still there.
    """
    alive = True
    pidfd = os.pidfd_open(child)
    try:
        ready, _, _ = select.select([pidfd, sock.fileno()], [], [])
        if sock.fileno() in ready:
            try:
                receive_json(sock)
            except ChannelClosed:
                alive = False
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    finally:
        os.close(pidfd)
    return alive


def _end_descendants() -> list[resource.struct_rusage]:
    """Kill what a run left behind; return what each process had used."""
    usages: list[resource.struct_rusage] = []
    while True:
        for pid in _children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            _, _, used = os.wait4(-1, 0)
        except ChildProcessError:
            return usages
        usages.append(used)


def _children() -> list[int]:
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


def _in_child(request: RunRequest, fds: list[int], prepared: Prepared) -> None:
    """Become the run: own session, no inherited files, then the submission."""
    result, log = fds
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    if request.memory_bytes is not None:
        limit = (request.memory_bytes, request.memory_bytes)
        resource.setrlimit(resource.RLIMIT_DATA, limit)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout = sys.stderr = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    outcome = call_submission(request, prepared)
    if isinstance(outcome, Failure):
        frame = FAILURE + json.dumps(asdict(outcome)).encode()
    else:
        frame = WEIGHTS + outcome
    _write_all(result, frame)
    leave(0)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
