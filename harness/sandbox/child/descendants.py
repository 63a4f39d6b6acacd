"""Look at the processes that descend from one."""

import os
from collections.abc import Iterator
from contextlib import suppress

#: What the kernel holds for an open file at most, beyond what a user may have in pipes;
#: for a mapping; and how much is read at a time of the list of those.
_FILE_BYTES, _MAPPING_BYTES, _PART = 4096, 256, 1 << 16
#: Is in the status of what has not ended.
_SIZE = b"\nRssAnon:"


def descendants(root: int) -> Iterator[int]:
    """Walk through all processes beneath one, itself not included."""
    for child in _children(root):
        yield child
        yield from descendants(child)


def resident_bytes(root: int) -> int:
    """Memory of what descends from a process, shared pages counted in each."""
    return sum(_resident(pid) for pid in descendants(root))


def own_resident_bytes() -> int:
    """Memory of this process alone: what each of its forks starts with."""
    return _resident(os.getpid())


def mapping_bytes(root: int, most: int) -> int:
    """Kernel memory for the mappings of what descends from a process.

    No process's size shows it. It is read no further than to `most` bytes.
    """
    total = 0
    for pid in descendants(root):
        total += _mappings(pid, (most - total) // _MAPPING_BYTES) * _MAPPING_BYTES
        if total >= most:
            break
    return total


def _children(pid: int) -> list[int]:
    found: list[int] = []
    # Processes may go while they are looked at; their children are then elsewhere.
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            words = read_quietly(f"/proc/{pid}/task/{thread}/children")
            found += [int(child) for child in words.split()]
    return found


def _resident(pid: int) -> int:
    """Anonymous and shared memory, swapped out or not, and the kernel's for it.

    Without the pages of program files. Tables alone can fill a machine: a page of one
    for each page of zeros that a process reads, far apart. So can what open files hold,
    pipes foremost.
    """
    wanted = (b"RssAnon:", b"RssShmem:", b"VmSwap:", b"VmPTE:")
    total = 0
    with suppress(OSError):
        for line in _holder(pid)[1].splitlines():
            if line.startswith(wanted):
                total += int(line.split()[1]) * 1024
            elif line.startswith(b"FDSize:"):
                total += int(line.split()[1]) * _FILE_BYTES
    return total


def _holder(pid: int) -> tuple[str, bytes]:
    """Folder and status of a thread that shows what its process holds.

    One that has ended shows nothing, though others go on, be it the first of them.
    """
    first = f"/proc/{pid}"
    status = read_quietly(f"{first}/status")
    if _SIZE in status:
        return first, status
    for thread in os.listdir(f"{first}/task"):  # noqa: PTH208
        with suppress(OSError):
            other = read_quietly(f"{first}/task/{thread}/status")
            if _SIZE in other:
                return f"{first}/task/{thread}", other
    return first, status


def _mappings(pid: int, most: int) -> int:
    """Count mappings, up to about so many; 0 where one may not look."""
    count = 0
    with suppress(OSError):
        fd = os.open(f"{_holder(pid)[0]}/maps", os.O_RDONLY | os.O_CLOEXEC)
        try:
            while count <= most and (part := os.read(fd, _PART)):
                count += part.count(b"\n")
        finally:
            os.close(fd)
    return count


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
