"""Look at, and end, the processes that descend from one."""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import suppress


def descendants(root: int) -> Iterator[int]:
    """Walk through all processes beneath one, itself not included."""
    for child in _children(root):
        yield child
        yield from descendants(child)


def resident_bytes(root: int) -> int:
    """Memory of a process and its descendants, shared pages counted in each."""
    return sum(_resident(pid) for pid in (root, *descendants(root)))


def own_resident_bytes() -> int:
    """Memory of this process alone: what each of its forks starts with."""
    return _resident(os.getpid())


def end_descendants() -> list[resource.struct_rusage]:
    """Kill what descends from this process, a subreaper; return what each had used."""
    usages: list[resource.struct_rusage] = []
    while True:
        for pid in list(descendants(os.getpid())):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            usages.append(os.wait4(-1, 0)[2])
            while (ended := os.wait4(-1, os.WNOHANG))[0]:
                usages.append(ended[2])
        except ChildProcessError:
            return usages


def _children(pid: int) -> list[int]:
    found: list[int] = []
    # Processes may go while they are looked at; their children are then elsewhere.
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            words = read_quietly(f"/proc/{pid}/task/{thread}/children")
            found += [int(child) for child in words.split()]
    return found


def _resident(pid: int) -> int:
    """Anonymous and shared memory, swapped out or not, and the tables to find it by.

    Without the pages of program files. Tables alone can fill a machine: a page of one
    for each page of zeros that a process reads, far apart.
    """
    wanted = (b"RssAnon:", b"RssShmem:", b"VmSwap:", b"VmPTE:")
    with suppress(OSError):
        lines = read_quietly(f"/proc/{pid}/status").splitlines()
        return sum(int(x.split()[1]) * 1024 for x in lines if x.startswith(wanted))
    return 0


def read_quietly(path: str) -> bytes:
    """Read a file of ``/proc``; unlike `open`, it leaves no object uncollected.

    The template's collector is off, and what piles up there would tell each run how
    many came before it.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = b""
        while part := os.read(fd, 1 << 16):
            content += part
        return content
    finally:
        os.close(fd)
