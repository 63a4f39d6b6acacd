"""A cgroup of its own for each template, where this user may make one."""

import atexit
import os
from contextlib import suppress
from pathlib import Path

_PREFIX = "unlearn-eval-"
_MOUNTS, _OWN = Path("/proc/self/mountinfo"), Path("/proc/self/cgroup")
#: Run with the leaf as ``$0``: enter it if one may, then become what follows.
ENTER = ("/bin/sh", "-c", '{ echo 0 >"$0/cgroup.procs"; } 2>/dev/null; exec "$@"')


def own_cgroup(mounts: Path = _MOUNTS, own: Path = _OWN) -> Path | None:
    """Folder of the cgroup (version 2) that this process is in, None without one."""
    if not (mounts.exists() and own.exists()):
        return None
    for line in mounts.read_text().splitlines():
        fields, _, kind = line.partition(" - ")
        if kind.startswith("cgroup2 "):
            root, mount_point = fields.split()[3:5]
            for entry in own.read_text().splitlines():
                if entry.startswith("0::"):
                    path = entry.removeprefix("0::").removeprefix(root.rstrip("/"))
                    return Path(mount_point) / path.lstrip("/")
    return None


def make_leaf(parent: Path, number: int, n_tasks: int) -> Path | None:
    """Make a cgroup beneath another, with a limit of tasks; None if one may not."""
    _remove_stale(parent)
    leaf = parent / f"{_PREFIX}{os.getpid()}-{number}"
    try:
        leaf.mkdir(exist_ok=True)
        if (leaf / "pids.max").exists():
            (leaf / "pids.max").write_text(str(n_tasks))
    except OSError:
        return None
    atexit.register(remove_leaf, leaf)
    return leaf if (leaf / "cpu.stat").exists() else None


def remove_leaf(leaf: Path) -> None:
    """Remove a cgroup that has no process left; one that has stays."""
    with suppress(OSError):
        leaf.rmdir()


def _remove_stale(parent: Path) -> None:
    """Remove what harnesses left that are gone."""
    for leaf in parent.glob(f"{_PREFIX}*"):
        process = leaf.name.removeprefix(_PREFIX).partition("-")[0]
        if process.isdecimal() and not Path("/proc", process).exists():
            remove_leaf(leaf)
