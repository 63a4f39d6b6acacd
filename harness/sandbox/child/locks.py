"""File locks are kernel memory of no process and no cgroup; their number is bounded."""

import os
from contextlib import suppress

from harness.sandbox.child.descendants import descendants

#: A run may hold so many at a time, of some 200 bytes each.
MOST_LOCKS = 4096
_LIST, _PART = "/proc/locks", 1 << 16
# Each line ends with the holder, the file, and where the lock begins and ends.
_HOLDER = -4


def held_locks(root: int) -> int:
    """Count the locks that descendants of a process hold or wait for.

    It stops soon after there are too many: to read on takes ever longer. A system that
    does not say has none of them counted: 0.
    """
    holders = {b"%d" % pid for pid in descendants(root)}
    count, rest = 0, b""
    with suppress(OSError):
        fd = os.open(_LIST, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while count <= MOST_LOCKS and (part := os.read(fd, _PART)):
                *lines, rest = (rest + part).split(b"\n")
                count += sum(line.split()[_HOLDER] in holders for line in lines)
        finally:
            os.close(fd)
    return count
