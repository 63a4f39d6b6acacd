"""Look at, and end, the processes that descend from one."""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


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
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        # Gone meanwhile; its own children are then found elsewhere.
        with suppress(OSError):
            found += [int(child) for child in path.read_text().split()]
    return found


def _resident(pid: int) -> int:
    """Anonymous and shared memory, without the pages of program files."""
    wanted = ("RssAnon:", "RssShmem:")
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return sum(int(x.split()[1]) * 1024 for x in lines if x.startswith(wanted))
    return 0
