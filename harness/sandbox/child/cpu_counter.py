"""Read the CPU time of a process tree where its processes cannot hide from it."""

import ctypes
import os
import struct
import time
from contextlib import suppress
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


class CpuCounters:
    """All counters that are to be had here; none of them misses what the others see.

    They count this process and all that descend from it, also those who have gone and
    were not waited for. perf loses who starts a program that may not be read.
    """

    def __init__(self, cgroup: Path | None) -> None:
        self._counters: list[PerfCounter | CgroupCounter] = []
        with suppress(OSError):
            self._counters.append(PerfCounter())
        with suppress(OSError):
            if cgroup is not None:
                self._counters.append(CgroupCounter(cgroup))

    @property
    def names(self) -> list[str]:
        """What they are."""
        return [counter.name for counter in self._counters]

    def seconds(self) -> list[float]:
        """CPU time of the descendants, as each counter has it."""
        own = time.process_time()
        return [counter.seconds() - own for counter in self._counters]

    def most_since(self, before: list[float]) -> float:
        """What the counter that saw most has seen since `before`."""
        pairs = zip(self.seconds(), before, strict=True)
        return max((now - then for now, then in pairs), default=0.0)


@cache
def perf_works() -> bool:
    """Tell whether processes of this user may count by perf."""
    try:
        counter = PerfCounter()
    except OSError:
        return False
    counter.close()
    return True
