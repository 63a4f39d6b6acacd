"""The cgroups that this process is in, and how much memory they leave it."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_MOUNTS, _OWN = Path("/proc/self/mountinfo"), Path("/proc/self/cgroup")


class MemoryBound(NamedTuple):
    """How much memory a cgroup may hold, and what it holds that is not to be had."""

    limit: int
    held: int


class _Names(NamedTuple):
    """What a version of cgroups calls it; `cached` are files that were read once."""

    controller: str
    limit: str
    used: str
    cached: str


_NAMES = (
    _Names("", "memory.max", "memory.current", "inactive_file"),
    _Names(
        "memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
)


def own_cgroup(
    mounts: Path = _MOUNTS, own: Path = _OWN, controller: str = ""
) -> Path | None:
    """Folder of the cgroup that this process is in, None without one.

    Of version 2, or of version 1 the one of a controller.
    """
    if not (mounts.exists() and own.exists()):
        return None
    kind, mark = ("cgroup", f":{controller}:") if controller else ("cgroup2", "0::")
    for line in mounts.read_text().splitlines():
        fields, _, words = line.partition(" - ")
        filesystem, _, options = words.split()
        if filesystem == kind and (not controller or controller in options.split(",")):
            root, mount_point = fields.split()[3:5]
            for entry in own.read_text().splitlines():
                if mark in entry:
                    path = entry.split(":", 2)[2].removeprefix(root.rstrip("/"))
                    return Path(mount_point) / path.lstrip("/")
    return None


def memory_bounds(mounts: Path = _MOUNTS, own: Path = _OWN) -> Iterator[MemoryBound]:
    """Bounds of this process's cgroup and of those above it, as far as they are seen.

    A container has such bounds, and ``/proc/meminfo`` does not know of them.
    """
    for names in _NAMES:
        folder = own_cgroup(mounts, own, names.controller)
        for one in [] if folder is None else [folder, *folder.parents]:
            # Where there is no bound the file is absent, or says "max".
            with suppress(OSError, ValueError):
                limit, used = (
                    int((one / name).read_text()) for name in (names.limit, names.used)
                )
                yield MemoryBound(limit, used - _cached_bytes(one, names.cached))


def _cached_bytes(cgroup: Path, name: str) -> int:
    """Memory of files that were read once: the kernel gives it to who asks."""
    with suppress(OSError):
        for line in (cgroup / "memory.stat").read_text().splitlines():
            label, _, value = line.partition(" ")
            if label == name:
                return int(value)
    return 0
