"""A process that has imported torch, and forks into whatever worker a test starts.

It is as clean as a worker: started with the same options and environment, it does
nothing but imports. A fork of it is a child of this process's own parent, which waits
for it and kills it as if it had started it, and has a command line of its own.
"""

import ctypes
import fcntl
import json
import os
import platform
import runpy
import signal
import socket
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE_PARENT = 0x8000
#: Above the numbers that a worker's descriptors have.
_HIGH = 300


def serve(fd: int, folder: str, *modules: str) -> dict[str, Any]:
    """Fork for each request until the socket ends; returns in the forks alone."""
    sys.path.insert(0, folder)
    for module in modules:
        import_module(module)
    with socket.socket(fileno=fd) as sock:
        sock.sendall(b"R")
        while True:
            length, fds, _, _ = socket.recv_fds(sock, 8, 16)
            if not length:
                os._exit(0)
            request = sock.recv(int.from_bytes(length), socket.MSG_WAITALL)
            pid = _fork_a_sibling()
            if pid == 0:
                break
            for one in fds:
                os.close(one)
            sock.sendall(pid.to_bytes(8))
    return _become(json.loads(request), fds)


def _fork_a_sibling() -> int:
    """Fork a child of this process's own parent, who can then wait for it."""
    assert len(list(Path("/proc/self/task").iterdir())) == 1
    syscall, api = ctypes.PyDLL(None).syscall, ctypes.pythonapi
    api.PyOS_BeforeFork()
    flags = ctypes.c_ulong(_CLONE_PARENT | signal.SIGCHLD)
    pid = syscall(_CLONE[platform.machine()], flags, *[ctypes.c_ulong(0)] * 4)
    if pid:
        api.PyOS_AfterFork_Parent()
    else:
        api.PyOS_AfterFork_Child()
    return int(pid)


def _become(request: dict[str, Any], fds: list[int]) -> list[str]:
    """Take on the descriptors, folder, environment and command line asked for."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH) for fd in fds]
    for fd in fds:
        os.close(fd)
    for fd, place in zip(high, request["places"], strict=True):
        os.dup2(fd, place)
        os.close(fd)
    if request["new_session"]:
        os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    _write_command_line(request["argv"])
    return request["argv"]


def _write_command_line(argv: list[str]) -> None:
    """Let others see these words in place of one's own, which are long for that."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    words = "\0".join(argv).encode()[: end - start - 1]
    ctypes.memmove(start, words.ljust(end - start, b"\0"), end - start)


if __name__ == "__main__":
    argv = serve(int(sys.argv[1]), *sys.argv[2].split(":"))
    if "-c" in argv:
        place = argv.index("-c")
        sys.argv = ["-c", *argv[place + 2 :]]
        exec(argv[place + 1], {"__name__": "__main__"})
    else:
        place = argv.index("-m")
        sys.path.insert(0, str(Path.cwd()))
        sys.argv = argv[place + 1 :]
        runpy.run_module(argv[place + 1], run_name="__main__", alter_sys=True)
