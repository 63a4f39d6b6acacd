"""Choose how runs are kept apart: the strictest level that its probes confirm."""

from contextlib import suppress
from dataclasses import replace
from functools import cache

from harness.errors import UsageError
from harness.processes import WorkerDied
from harness.sandbox.host.levels import IsolationReport, Level
from harness.sandbox.host.probing import probe_sandbox
from harness.sandbox.host.properties import PROPERTIES
from harness.sandbox.host.sandbox import Sandbox

#: What is asked for where the strictest level that works is wanted.
AUTO = "auto"
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
    """A level of isolation that this machine does not offer."""


@cache
def probe(level: Level) -> IsolationReport:
    """Try a level on this machine, once per process."""
    if lacking := level.means.lacking():
        raise LevelNotAvailable(f"isolation {level} {lacking}")
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


def choose(wanted: str = AUTO) -> Sandbox:
    """Return a sandbox of a level, or of the strictest that works here."""
    if wanted not in (AUTO, *Level):
        raise UsageError(
            f"--isolation {wanted} is not legal: choose one of "
            f"{', '.join((AUTO, *Level))}."
        )
    if wanted != AUTO:
        return _probed(Level(wanted))
    *stricter, last = Level
    for level in stricter:
        with suppress(LevelNotAvailable):
            return _probed(level)
    return _probed(last)


def why_not(level: Level) -> str:
    """Say why this machine does not offer a level; nothing if it does."""
    try:
        probe(level)
    except LevelNotAvailable as error:
        return str(error)
    return ""


def _probed(level: Level) -> Sandbox:
    return replace(Sandbox(level), report=probe(level))


def _explained(level: Level, words: str) -> str:
    remedy = next((r for mark, r in _REMEDIES if mark in words.lower()), "")
    end = f" Remedy: {remedy}." if remedy else " Use --isolation auto."
    return f"isolation {level} cannot be had on this machine: {words.rstrip('.')}.{end}"
