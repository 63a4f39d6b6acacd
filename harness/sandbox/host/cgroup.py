"""Cgroups of its own for each template, where this user may make them."""

import atexit
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from harness.cgroups import own_cgroup

_PREFIX = "unlearn-eval-"
_MEMORY, _MEMORY_2 = "memory.stat", "memory.current"
#: Run with folders up to a ``--``: enter each if one may, then become what follows.
ENTER = (
    "/bin/sh",
    "-c",
    'while [ "$1" != -- ]; do { echo 0 >"$1/cgroup.procs"; } 2>/dev/null; shift; done; '
    'shift; exec "$@"',
    "enter",
)


class Leaves(NamedTuple):
    """Folders of the cgroups made for a template; None for what may not be made."""

    cpu: Path | None
    memory: Path | None

    def distinct(self) -> list[Path]:
        """The folders, each once."""
        return sorted({leaf for leaf in self if leaf is not None})


def make_leaves(number: int, n_tasks: int) -> Leaves:
    """Make cgroups that count the CPU time and the memory of a template's runs."""
    cpu = _leaf(own_cgroup(), number, n_tasks, "cpu.stat")
    if cpu is not None and (cpu / _MEMORY_2).exists():
        return Leaves(cpu, cpu)
    return Leaves(cpu, _leaf(own_cgroup(controller="memory"), number, n_tasks, _MEMORY))


def _leaf(parent: Path | None, number: int, n_tasks: int, wanted: str) -> Path | None:
    leaf = None if parent is None else make_leaf(parent, number, n_tasks)
    return leaf if leaf is not None and (leaf / wanted).exists() else None


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
    return leaf


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
