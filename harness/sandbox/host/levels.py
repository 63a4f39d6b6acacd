"""Choose how runs are kept apart: the strictest level that its probes confirm."""

import os
import platform
from dataclasses import replace
from functools import cache

from harness.errors import UsageError
from harness.processes import WorkerDied
from harness.sandbox.child.landlock import landlock_abi
from harness.sandbox.child.syscalls import this_architecture
from harness.sandbox.host.bubblewrap import find_bubblewrap
from harness.sandbox.host.probing import probe_sandbox
from harness.sandbox.host.report import LEVELS, PROPERTIES, IsolationReport
from harness.sandbox.host.sandbox import Sandbox

CHOICES = ("auto", *LEVELS)
# What bubblewrap says where namespaces are forbidden, and what lifts that.
_REMEDIES = (
    (
        "uid map",
        "AppArmor forbids user namespaces here; allow them with: sudo sysctl -w "
        "kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    (
        "new namespace",
        "namespaces are forbidden here; in a container, start it with --security-opt "
        "seccomp=unconfined --security-opt apparmor=unconfined, or --privileged",
    ),
    (
        "becoming another user",
        "root may not become another user here; run as an ordinary user",
    ),
)


class LevelNotAvailable(UsageError):
    """A level of isolation that cannot be had on this machine."""


@cache
def probe(level: str) -> IsolationReport:
    """Try a level on this machine, once per process.

    Parameters
    ----------
    level : str
        ``"full"``, ``"partial"`` or ``"none"``.

    Raises
    ------
    LevelNotAvailable
        If it cannot be had; the message says why, and how to get it.
    """
    _require_means(level)
    try:
        report = probe_sandbox(Sandbox(level))
    except (WorkerDied, OSError) as error:
        raise LevelNotAvailable(_explained(level, str(error))) from None
    if report.missing:
        claims = "; ".join(
            f"{PROPERTIES[name].otherwise} ({report.details[name]})"
            for name in report.missing
        )
        raise LevelNotAvailable(
            f"isolation {level} does not hold on this machine: its probes got through "
            f"to {claims}. Use --isolation auto."
        )
    return report


def choose(wanted: str = "auto") -> Sandbox:
    """Return the sandbox that is asked for.

    Parameters
    ----------
    wanted : str
        A level, or ``"auto"`` for the strictest that can be had.

    Raises
    ------
    UsageError
        If there is no such level, or it cannot be had on this machine.
    """
    if wanted not in CHOICES:
        raise UsageError(
            f"--isolation {wanted} is not legal: choose one of {', '.join(CHOICES)}."
        )
    if wanted != "auto":
        return replace(Sandbox(wanted), report=probe(wanted))
    for level in LEVELS[:-1]:
        try:
            return replace(Sandbox(level), report=probe(level))
        except LevelNotAvailable:
            continue
    return replace(Sandbox("none"), report=probe("none"))


def why_not(level: str) -> str:
    """Say why a level cannot be had here; nothing if it can."""
    try:
        probe(level)
    except LevelNotAvailable as error:
        return str(error)
    return ""


def _require_means(level: str) -> None:
    """Refuse at once what this system has not got.

    Raises
    ------
    LevelNotAvailable
        With what is missing.
    """
    if level == "none":
        return
    if this_architecture() is None:
        raise LevelNotAvailable(
            f"isolation {level} needs Linux on x86-64 or aarch64, and this is "
            f"{platform.system()} on {platform.machine()}; use --isolation none."
        )
    if level == "full" and find_bubblewrap() is None:
        raise LevelNotAvailable(
            "isolation full needs bubblewrap, which is not installed; install it with: "
            "sudo apt install bubblewrap"
        )
    if level == "partial" and landlock_abi() == 0:
        raise LevelNotAvailable(
            f"isolation partial needs landlock, which Linux {os.uname().release} does "
            "not offer here; it needs Linux 5.13 or later with landlock enabled."
        )


def _explained(level: str, words: str) -> str:
    remedy = next((r for mark, r in _REMEDIES if mark in words.lower()), "")
    end = f" Remedy: {remedy}." if remedy else " Use --isolation auto."
    return f"isolation {level} cannot be had on this machine: {words.rstrip('.')}.{end}"
