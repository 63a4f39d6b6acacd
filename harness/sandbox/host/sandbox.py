"""A sandbox: wraps the command line of a template, and says what it enforces."""

import atexit
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from harness.sandbox.child.confinement import Confinement
from harness.sandbox.child.landlock import all_but
from harness.sandbox.child.namespaces import SCRATCH
from harness.sandbox.host.cgroup import ENTER, Leaves, make_leaves
from harness.sandbox.host.levels import IsolationReport, Level
from harness.sandbox.host.paths import (
    normal_paths,
    python_paths,
    secret_paths,
    system_facts,
    system_paths,
)
from harness.sandbox.host.properties import PROPERTIES
from harness.sandbox.host.scratch import ScratchFolder

_counter: Iterator[int] = count()


@dataclass(frozen=True)
class Sandbox:
    """One way of keeping runs apart, within bounds of what a run may use.

    ``Level.NONE`` is a process of its own for each run, and no more. The report is what
    the probes have shown, None before they have run. What is `secret` must not be seen
    even where it lies in a folder that is shown.
    """

    level: Level
    report: IsolationReport | None = None
    scratch_bytes: int = 1 << 30
    n_tasks: int = 256
    secret: tuple[Path, ...] = ()

    @property
    def not_enforced(self) -> tuple[str, ...]:
        """What a hostile submission could still do, all of it until probes have run."""
        if self.report is None:
            return tuple(one.otherwise for one in PROPERTIES.values())
        return self.report.not_enforced

    @property
    def guards_template(self) -> bool:
        """Whether a template that died was beyond the reach of its run."""
        return self.report is not None and self.report.properties["signals"]

    def wrap(
        self,
        argv: list[str],
        inputs: Path,
        *,
        gpu: bool = False,
        readable: Sequence[Path] = (),
    ) -> list[str]:
        """Return the command line that runs a template in this sandbox.

        The confinement of its runs is added at the end. Beside the folder of the inputs
        a scratch folder is made where runs have no file system of their own. What is
        `readable` besides, a user's packages, is shown at its own path.
        """
        if gpu:
            make_gpu_nodes()
        leaves = self._cgroups()
        folders = leaves.distinct()
        enter = [*ENTER, *map(str, folders), "--"] if folders else []
        plan = self._confinement(inputs, leaves, gpu, readable)
        if wrap := self.level.means.wrap:
            shown = [Path(path) for path in plan.readable]
            enter += wrap(
                system=system_paths(),
                readable=[*shown, *folders],
                secret=secret_paths(self.secret),
                inputs=inputs,
                gpu=gpu,
            )
        return [*enter, *argv, plan.to_json()]

    def _confinement(
        self, inputs: Path, leaves: Leaves, gpu: bool, more: Sequence[Path]
    ) -> Confinement:
        means = self.level.means
        readable = self._readable(more)
        own_user = self._own_user(readable)
        scratch = Path(SCRATCH)
        if not means.namespaces:
            scratch = _make_scratch(inputs.parent, for_others=own_user)
        return Confinement(
            namespaces=means.namespaces,
            landlock=means.landlock,
            filtered=means.filtered,
            scratch=str(scratch),
            scratch_bytes=self.scratch_bytes,
            n_tasks=self.n_tasks,
            gpu=gpu,
            own_user=own_user,
            readable=tuple(str(path) for path in readable),
            cgroup=str(leaves.cpu or ""),
            memory_cgroup=str(leaves.memory or ""),
        )

    def _readable(self, more: Sequence[Path]) -> tuple[Path, ...]:
        """Files that stay readable; bubblewrap shows the system's by itself."""
        shown = (*normal_paths([*python_paths(), *more]), *system_facts())
        if not self.level.means.landlock:
            return shown
        secret = secret_paths(self.secret)
        covered = (*shown, *system_paths())
        return tuple(path for root in covered for path in all_but(root, secret))

    def _own_user(self, readable: tuple[Path, ...]) -> bool:
        """Tell whether runs can become users of their own: only root can grant it."""
        means = self.level.means
        if os.geteuid() != 0 or not means.filtered:
            return False
        if means.namespaces:
            return True
        needed = {*readable, *(p for path in readable for p in path.parents)}
        return all(_others_may_read(path) for path in needed)

    def _cgroups(self) -> Leaves:
        """Make cgroups, in which nothing hides, where this user may make any."""
        if not self.level.means.filtered:
            return Leaves(None, None)
        # bubblewrap and the template besides, and a thread or two to start them.
        return make_leaves(next(_counter), self.n_tasks + 5)


def make_gpu_nodes() -> None:
    """Have the driver's nodes in /dev, which the first use of a GPU makes elsewhere.

    A template sees those that are there when it starts, and may make none.
    """
    tool = shutil.which("nvidia-modprobe")
    if tool is not None:
        subprocess.run([tool, "-u", "-c", "0"], capture_output=True, check=False)


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
    scratch = folder / f"scratch-{next(_counter)}"
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
