"""The command line of bubblewrap: a minimal read-only root for a template.

As an ordinary user the template gets a user namespace, in which it may make the
namespaces of its runs. As root it needs none, and there must be none: a user namespace
that maps to root would leave each run root's user outside. Then it is the run that
becomes a user of its own.
"""

import os
import shutil
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from harness.sandbox.child.confinement import DEVICES
from harness.sandbox.child.namespaces import SCRATCH, SHARED_MEMORY

_NAMESPACES = ("pid", "net", "ipc", "uts", "cgroup-try")
_LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0"}
_LINKS |= {"stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
_USER = "65534"
# To look at the mappings of a process of another user, or of an unreadable program.
_TO_LOOK = "SYS_PTRACE"
_OF_AN_ORDINARY_USER = ["SYS_ADMIN", "SYS_RESOURCE", _TO_LOOK]
_OF_ROOT = ["SYS_ADMIN", "SETUID", "SETGID", "KILL", _TO_LOOK]


@cache
def find_bubblewrap() -> str | None:
    """Path of ``bwrap``, None where it is not installed."""
    return shutil.which("bwrap")


def bubblewrap_command(
    *,
    system: Iterable[Path],
    readable: Iterable[Path],
    secret: Sequence[Path],
    inputs: Path,
    gpu: bool,
) -> list[str]:
    """Write the words that go before a template's command line.

    Shown are the distribution's folders, links among them, what else a run may read,
    and the template's inputs; what is secret is hidden where it lies in one of those.
    """
    system, readable = list(system), list(readable)
    shown = [*readable, inputs]
    return [
        find_bubblewrap() or "bwrap",
        *_privileges(),
        *(f"--unshare-{name}" for name in _NAMESPACES),
        "--die-with-parent",
        *_bound(system),
        *("--proc", "/proc"),
        *_devices(gpu=gpu),
        *("--tmpfs", SCRATCH),
        *_passable(readable),
        *_bound(shown),
        *_hidden(secret, [*system, *shown]),
        *("--remount-ro", "/", "--chdir", "/", "--"),
    ]


def _privileges() -> list[str]:
    words = ["--cap-drop", "ALL"]
    if os.geteuid() == 0:
        kept = _OF_ROOT
    else:
        words += ["--unshare-user", "--uid", _USER, "--gid", _USER]
        kept = _OF_AN_ORDINARY_USER
    return words + [word for name in kept for word in ("--cap-add", f"CAP_{name}")]


def _devices(*, gpu: bool) -> list[str]:
    """A folder of harmless devices, without terminals; CUDA's where they are needed.

    bubblewrap's own ``--dev`` would cost a second user namespace, from which the
    template could not come back to its own PID namespace.
    """
    words = ["--perms", "0755", "--tmpfs", "/dev"]
    of_gpu = sorted(Path("/dev").glob("nvidia*")) if gpu else []
    for node in (*DEVICES, *of_gpu):
        words += ["--dev-bind", str(node), str(node)]
    for name, target in _LINKS.items():
        words += ["--symlink", target, f"/dev/{name}"]
    # Its own, or joblib finds none and stays without processes in every run.
    words += ["--perms", "1777", "--tmpfs", SHARED_MEMORY, "--remount-ro", "/dev"]
    return words + (["--ro-bind", "/sys", "/sys"] if gpu else [])


def _passable(paths: Iterable[Path]) -> list[str]:
    """Make the folders on the way: left to itself, bubblewrap lets only root pass."""
    folders = {folder for path in paths for folder in path.parents}
    ordered = sorted(folders - {Path("/"), Path(SCRATCH)})
    return [w for f in ordered for w in ("--perms", "0755", "--dir", str(f))]


def _bound(paths: Iterable[Path]) -> list[str]:
    """Show files and folders; a link stays one, or it would be a way around a mask."""
    words: list[str] = []
    for path in paths:
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), str(path)]
        else:
            words += ["--ro-bind", str(path), str(path)]
    return words


def _hidden(secret: Sequence[Path], shown: Sequence[Path]) -> list[str]:
    words: list[str] = []
    for path in secret:
        if path.is_dir() and any(path.is_relative_to(other) for other in shown):
            words += ["--tmpfs", str(path), "--remount-ro", str(path)]
    return words
