"""A process that has imported torch, and forks into whatever process a test starts.

It is as clean as a worker: started with the same options and environment, it does
nothing but imports. A fork of it is a child of this process's own parent, which waits
for it and kills it as if it had started it. Its command line and its environment, as
others see them, are its own.
"""

import ctypes
import fcntl
import gc
import json
import os
import platform
import runpy
import signal
import socket
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE_PARENT = 0x8000
#: Above the numbers of the descriptors that are asked for.
_HIGH = 300
#: What torch imports late, at the first step of an optimizer: as long as torch itself.
_LATE = "torch._dynamo"


def main() -> None:
    """Serve whoever started this; each fork runs what it was asked for."""
    fd, folder, modules = sys.argv[1:4]
    sys.path.insert(0, folder)
    _import([*modules.split(","), _LATE])
    request = _serve(socket.socket(fileno=int(fd)))
    if request["forks"]:
        request = _fork_ones_own(request)
    try:
        _run(request["argv"])
    finally:
        gc.unfreeze()  # Or some libraries take all of it for leaked at the end.


def _import(modules: list[str]) -> None:
    """Import, and keep what is there from being copied by collections of the forks."""
    for name in modules:
        import_module(name)
    gc.freeze()


def _serve(sock: socket.socket) -> dict[str, Any]:
    """Fork for each request until the socket ends; return in the forks alone."""
    sock.sendall(b"R")
    while True:
        try:
            length, fds, _, _ = socket.recv_fds(sock, 8, 32)
        except ConnectionResetError:
            length = b""
        if not length:
            os._exit(0)
        size = int.from_bytes(length, "big")
        request = json.loads(sock.recv(size, socket.MSG_WAITALL))
        _import(request["modules"])
        grouped, telling = os.pipe()
        pid = _fork_a_sibling()
        if pid == 0:
            sock.close()
            if request["new_session"]:
                os.setsid()
            os.close(grouped)
            os.close(telling)
            _become(request, fds)
            return dict(request)
        os.close(telling)
        os.read(grouped, 1)  # Only now can its group be killed.
        os.close(grouped)
        for fd in fds:
            os.close(fd)
        sock.sendall(pid.to_bytes(8, "big"))


def _fork_a_sibling() -> int:
    """Fork a child of this process's own parent, who can then wait for it."""
    assert len(list(Path("/proc/self/task").iterdir())) == 1
    syscall, api = ctypes.PyDLL(None).syscall, ctypes.pythonapi
    flags = ctypes.c_ulong(_CLONE_PARENT | signal.SIGCHLD)
    api.PyOS_BeforeFork()
    pid = syscall(_CLONE[platform.machine()], flags, *[ctypes.c_ulong(0)] * 4)
    if pid:
        api.PyOS_AfterFork_Parent()
    else:
        api.PyOS_AfterFork_Child()
    return int(pid)


def _become(request: dict[str, Any], fds: list[int]) -> None:
    """Take on the descriptors, folder, environment and command line asked for."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH) for fd in fds]
    for fd in fds:
        os.close(fd)
    for fd, place in zip(high, request["places"], strict=True):
        os.dup2(fd, place)
        os.close(fd)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None  # Found anew where it is next asked for, by TMPDIR.
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    variables = [f"{name}={value}" for name, value in os.environ.items()]
    # From where to where the kernel shows them: fields 48 to 51 in proc(5).
    for (start, end), words in (
        (map(int, fields[45:47]), request["argv"]),
        (map(int, fields[47:49]), variables),
    ):
        text = os.fsencode("\0".join(words))[: end - start - 1]
        ctypes.memmove(start, text.ljust(end - start, b"\0"), end - start)


def _fork_ones_own(request: dict[str, Any]) -> dict[str, Any]:
    """Let a command fork its own workers; returns in these, too."""
    ours, theirs = socket.socketpair()
    if os.fork():
        theirs.close()
        import_module("tests.forking.forked").fork_from(ours)
        return request
    ours.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(nothing, fd)
    os.close(nothing)
    return _serve(theirs)


def _run(argv: list[str]) -> None:
    """Do as the interpreter does with such a command line."""
    place = next(i for i, word in enumerate(argv) if word in ("-c", "-m"))
    option, what, *rest = argv[place:]
    if "-I" not in argv[:place]:
        sys.path.insert(0, str(Path.cwd()))
    if option == "-c":
        sys.argv = ["-c", *rest]
        sys.modules["__main__"] = module = ModuleType("__main__")
        exec(what, vars(module))
    else:
        sys.argv = [what, *rest]
        runpy.run_module(what, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
