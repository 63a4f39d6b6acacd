"""Read the CPU time of a process tree where its processes cannot hide from it."""

import ctypes
import os
import struct
from functools import cache
from pathlib import Path

from harness.sandbox.child.syscalls import call

_PERF_TYPE_SOFTWARE, _PERF_COUNT_SW_TASK_CLOCK = 1, 1
_INHERIT, _EXCLUDE_KERNEL, _EXCLUDE_HYPERVISOR = 1 << 1, 1 << 5, 1 << 6
_PERF_FLAG_FD_CLOEXEC = 1 << 3
# struct perf_event_attr, its first version: type, size, config, period, sample type,
# read format, flags, and three words that do not matter here.
_ATTRIBUTES = struct.Struct("=IIQQQQQIIQ")


class PerfCounter:
    """A perf event that every descendant inherits, unless the kernel forbids it.

    What forbids it is ``kernel.perf_event_paranoid``.
    """

    name = "perf"

    def __init__(self) -> None:
        flags = _INHERIT | _EXCLUDE_KERNEL | _EXCLUDE_HYPERVISOR
        size = _ATTRIBUTES.size
        what = (_PERF_TYPE_SOFTWARE, size, _PERF_COUNT_SW_TASK_CLOCK)
        attributes = _ATTRIBUTES.pack(*what, 0, 0, 0, flags, 0, 0, 0)
        buffer = ctypes.create_string_buffer(attributes, size)
        arguments = (0, -1, -1, _PERF_FLAG_FD_CLOEXEC)
        self._fd = call("perf_event_open", ctypes.byref(buffer), *arguments)

    def seconds(self) -> float:
        """Task clock of this process and its descendants, in seconds."""
        (nanoseconds,) = struct.unpack("=Q", os.read(self._fd, 8))
        return float(nanoseconds) * 1e-9

    def close(self) -> None:
        """Stop counting."""
        os.close(self._fd)


class CgroupCounter:
    """The ``cpu.stat`` of a cgroup that holds this process and its descendants only."""

    name = "cgroup"

    def __init__(self, folder: Path) -> None:
        self._path = folder / "cpu.stat"
        self.seconds()

    def seconds(self) -> float:
        """CPU time charged to the cgroup, in seconds."""
        for line in self._path.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == "usage_usec":
                return int(value) * 1e-6
        raise OSError(f"{self._path} does not say usage_usec")


#: Counts the CPU time of this process and of all that descend from it, also of those
#: who have gone and were not waited for.
CpuCounter = PerfCounter | CgroupCounter


def open_cpu_counter(cgroup: Path | None) -> CpuCounter | None:
    """Open the best counter: of the cgroup made for this process, else by perf.

    None where only ``wait4`` is left, which misses whoever is not waited for.
    """
    try:
        return PerfCounter() if cgroup is None else CgroupCounter(cgroup)
    except OSError:
        return None


@cache
def perf_works() -> bool:
    """Tell whether processes of this user may count by perf."""
    try:
        counter = PerfCounter()
    except OSError:
        return False
    counter.close()
    return True
