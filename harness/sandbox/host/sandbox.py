"""A sandbox: wraps the command line of a template, and says what it enforces."""

import atexit
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from harness.sandbox.child.confinement import Confinement
from harness.sandbox.child.cpu_counter import perf_works
from harness.sandbox.child.landlock import all_but
from harness.sandbox.child.namespaces import SCRATCH
from harness.sandbox.host.bubblewrap import bubblewrap_command
from harness.sandbox.host.cgroup import ENTER, make_leaf, own_cgroup
from harness.sandbox.host.paths import (
    python_paths,
    secret_paths,
    system_facts,
    system_paths,
)
from harness.sandbox.host.report import IsolationReport
from harness.sandbox.host.scratch import ScratchFolder

_numbers: Iterator[int] = count()


@dataclass(frozen=True)
class Sandbox:
    """One way of keeping runs apart.

    Attributes
    ----------
    level : str
        ``"full"``, ``"partial"`` or ``"none"``.
    report : IsolationReport or None
        What its probes have shown; None before they have run.
    scratch_bytes, n_tasks : int
        Bounds of what a run may use.
    secret : tuple of Path
        What must not be seen even where it lies in a folder that is shown.
    """

    level: str
    report: IsolationReport | None = None
    scratch_bytes: int = 1 << 30
    n_tasks: int = 256
    secret: tuple[Path, ...] = ()

    @property
    def not_enforced(self) -> tuple[str, ...]:
        """What a hostile submission could still do, in words."""
        return () if self.report is None else self.report.not_enforced

    @property
    def guards_template(self) -> bool:
        """Whether a template that died was beyond the reach of its run."""
        return self.report is not None and self.report.properties["signals"]

    def wrap(self, argv: list[str], task: Path) -> list[str]:
        """Return the command line that runs `argv` under this isolation.

        Parameters
        ----------
        argv : list of str
            Of a template; the confinement of its runs is added at the end.
        task : Path
            Folder that the template reads. Beside it a scratch folder is made where
            runs have no file system of their own.
        """
        leaf = self._cgroup_leaf()
        enter = [] if leaf is None else [*ENTER, str(leaf)]
        plan = self._confinement(task, leaf)
        if self.level == "full":
            readable = [Path(path) for path in plan.readable]
            enter += bubblewrap_command(
                system=system_paths(),
                readable=[*readable, *([] if leaf is None else [leaf])],
                secret=secret_paths(self.secret),
                task=task,
                gpu=plan.gpu,
            )
        return [*enter, *argv, plan.to_json()]

    def _confinement(self, task: Path, leaf: Path | None) -> Confinement:
        readable = self._readable()
        own_user = self._own_user(readable)
        scratch = Path(SCRATCH)
        if self.level != "full":
            scratch = _make_scratch(task.parent, for_others=own_user)
        return Confinement(
            level=self.level,
            scratch=str(scratch),
            scratch_bytes=self.scratch_bytes,
            n_tasks=self.n_tasks,
            gpu=_wants_gpu(task),
            own_user=own_user,
            readable=tuple(str(path) for path in readable),
            cgroup="" if leaf is None else str(leaf),
        )

    def _readable(self) -> tuple[Path, ...]:
        """Files that stay readable; bubblewrap shows the system's by itself."""
        shown = (*python_paths(), *system_facts())
        if self.level != "partial":
            return shown
        secret = secret_paths(self.secret)
        covered = (*shown, *system_paths())
        return tuple(path for root in covered for path in all_but(root, secret))

    def _own_user(self, readable: tuple[Path, ...]) -> bool:
        """Tell whether runs can become users of their own: only root can grant it."""
        if os.geteuid() != 0 or self.level == "none":
            return False
        if self.level == "full":
            return True
        needed = {*readable, *(p for path in readable for p in path.parents)}
        return all(_others_may_read(path) for path in needed)

    def _cgroup_leaf(self) -> Path | None:
        """Make a cgroup where nothing else counts the CPU time of all processes."""
        if self.level == "none" or perf_works():
            return None
        parent = own_cgroup()
        if parent is None:
            return None
        return make_leaf(parent, next(_numbers), self.n_tasks + 3)


def _wants_gpu(task: Path) -> bool:
    words = task / "task.json"
    return words.exists() and json.loads(words.read_text()).get("device") == "cuda"


def _make_scratch(folder: Path, *, for_others: bool) -> Path:
    """Make a run's folder; `for_others` where other users can reach it."""
    if for_others:
        if all(_others_may_pass(path) for path in folder.parents):
            _let_through(folder)
        else:
            public = ScratchFolder(Path(SCRATCH))
            atexit.register(public.close)
            folder = public.path
            folder.chmod(0o711)
    scratch = folder / f"scratch-{next(_numbers)}"
    scratch.mkdir(mode=0o700)
    return scratch


def _let_through(folder: Path) -> None:
    """Let other users pass through a folder, and to nothing that is in it yet."""
    for inside in folder.iterdir():
        if inside.is_dir():
            inside.chmod(0o700)
    folder.chmod(0o711)


def _others_may_pass(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o001)


def _others_may_read(path: Path) -> bool:
    wanted = 0o005 if path.is_dir() else 0o004
    return path.stat().st_mode & wanted == wanted
