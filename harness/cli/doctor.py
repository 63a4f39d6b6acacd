"""``unlearn-eval doctor``: whether an installation works, and what mends it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import click

from harness.cli import options
from harness.errors import ExitCode, UnlearnEvalError
from harness.machine import in_container, this_machine
from harness.processes.worker import TORCH_MISMATCH, worker_environment
from harness.reference import find_bank
from harness.sandbox import PROPERTIES, Level, choose, not_enforced_on, why_not
from harness.storage.cache import cache_root
from harness.storage.files import make_folder
from harness.tasks.registry import find_task
from harness.track import find_track

_IMPORT_SECONDS = 120
#: Whose data and bank are looked at: what a newcomer scores on.
_TRACK = "cifar10-quick"


class Check(NamedTuple):
    """One thing looked at: whether it is well, in words, and whether it must be."""

    name: str
    ok: bool
    words: str
    needed: bool = True


@click.command()
@options.as_json
def doctor(as_json: bool) -> int:
    """Check this installation: packages, data, banks, what runs are kept apart by."""
    checks = []
    for check in examine():
        checks.append(check)
        if not as_json:
            click.echo(f"{'ok ' if check.ok else 'BAD'} {check.name}: {check.words}")
    if as_json:
        options.echo_json({"checks": [check._asdict() for check in checks]})
    healthy = all(check.ok or not check.needed for check in checks)
    return ExitCode.OK if healthy else ExitCode.CHECK_FAILED


def examine() -> Iterator[Check]:
    """Look at everything that scoring needs, a check at a time; nothing is changed."""
    yield Check("machine", True, this_machine().describe())
    yield _torch()
    yield _guarded("cache", _cache)
    yield _guarded("data", _data)
    yield _guarded("bank", _bank)
    yield from _isolation()


def _torch() -> Check:
    """Import the pair in another process: a mismatch shows itself only then."""
    code = (
        "import torch, torchvision; print(torch.__version__, torchvision.__version__)"
    )
    try:
        answer = subprocess.run(
            [sys.executable, "-I", "-c", code],
            capture_output=True,
            text=True,
            timeout=_IMPORT_SECONDS,
            env=worker_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        limit = f"{_IMPORT_SECONDS} s"
        words = f"their import does not end within {limit}; is the disk slow?"
        return Check("torch", False, words)
    if answer.returncode == 0:
        torch, torchvision = answer.stdout.split()
        return Check("torch", True, f"torch {torch} and torchvision {torchvision} fit")
    if TORCH_MISMATCH in answer.stderr:
        remedy = "pip install --force-reinstall torch torchvision"
        words = f"torch and torchvision do not fit together; mend it with: {remedy}"
        return Check("torch", False, words)
    last = (answer.stderr.strip().splitlines() or ["no words"])[-1]
    return Check("torch", False, f"{last}; mend it with: pip install torch torchvision")


def _guarded(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except UnlearnEvalError as error:
        return Check(name, False, str(error))


def _cache() -> str:
    return f"{make_folder(cache_root())} can be written"


def _data() -> str:
    n_examples = len(find_task(find_track(_TRACK)).sets().training.targets)
    return f"the data of {_TRACK} are here, {n_examples} training examples"


def _bank() -> str:
    bank = find_bank(find_task(find_track(_TRACK)))
    return f"{_TRACK} has {len(bank)} retrained models"


def _isolation() -> list[Check]:
    """List what the strictest level enforces here, as its probes have shown."""
    sandbox = choose("auto")
    if sandbox.report is None:
        raise AssertionError("a chosen sandbox has been probed")
    report = sandbox.report
    strictest = next(iter(Level))
    weaker = "" if report.level is strictest else f"; {why_not(strictest)}"
    level = Check(
        "isolation", report.level is strictest, report.level + weaker, needed=False
    )
    rows = [
        Check(f"  {name}", held, PROPERTIES[name].claim, needed=False)
        for name, held in report.properties.items()
    ]
    rows += _container(why_not(strictest))
    cpu, memory = (report.details[f"{what} counter"] for what in ("cpu", "memory"))
    words = f"CPU time by {cpu}; memory by {memory}"
    counted = Check("  counted", True, words, needed=False)
    return [level, *rows, counted, *_on_a_gpu()]


def _container(weaker: str) -> list[Check]:
    """Say what a container lacks for the strictest level, where this is one."""
    if not in_container():
        return []
    bubblewrap = "" if shutil.which("bwrap") else "bubblewrap"
    memory = "" if os.access("/sys/fs/cgroup", os.W_OK) else "a cgroup of its own"
    rights = "" if bubblewrap or not weaker else "the right to make namespaces"
    lacking = ", ".join(filter(None, (bubblewrap, rights, memory)))
    words = f"this is one, and lacks {lacking}" if lacking else "this is one"
    return [Check("  container", not weaker, words, needed=False)]


def _on_a_gpu() -> list[Check]:
    """Say what a run with ``--device cuda`` is not kept from, where there is a GPU."""
    if not this_machine().gpu:
        return []
    words = f"not enforced with --device cuda: {', '.join(not_enforced_on('cuda'))}"
    return [Check("  gpu", False, words, needed=False)]
