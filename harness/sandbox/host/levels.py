"""The levels of isolation: all that one differs from another by stands here.

The rest of this room asks for what a level does and never for its name.
"""

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from harness.sandbox.child.landlock import landlock_abi
from harness.sandbox.child.syscalls import this_architecture
from harness.sandbox.host.bubblewrap import bubblewrap_command, find_bubblewrap
from harness.sandbox.host.properties import PROPERTIES


class Level(StrEnum):
    """How strictly runs are kept apart, the strictest first."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"

    @property
    def means(self) -> "Means":
        """What it does and needs."""
        return _MEANS[self]


@dataclass(frozen=True)
class Means:
    """What a level does and needs; the last three are those of a `Confinement`."""

    #: Properties without which it is not that level.
    required: frozenset[str] = frozenset()
    #: Says what this system has not got that it needs; nothing if all is there.
    lacking: Callable[[], str] = str
    #: Writes the words that go before a template's command line.
    wrap: Callable[..., list[str]] | None = None
    namespaces: bool = False
    landlock: bool = False
    filtered: bool = False


@dataclass(frozen=True)
class IsolationReport:
    """Which of `PROPERTIES` the probes have shown at a level.

    `details` say what got through where one was not, and what host this is.
    """

    level: Level
    properties: Mapping[str, bool]
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def not_enforced(self) -> tuple[str, ...]:
        """What a hostile submission could still do, in words."""
        return tuple(
            PROPERTIES[name].otherwise
            for name, enforced in self.properties.items()
            if not enforced
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """Properties without which this is not the level that it is called."""
        required = sorted(self.level.means.required)
        return tuple(name for name in required if not self.properties[name])


def _no_linux() -> str:
    if this_architecture() is not None:
        return ""
    return (
        f"needs Linux on x86-64 or aarch64, and this is {platform.system()} on "
        f"{platform.machine()}; use --isolation none."
    )


def _no_bubblewrap() -> str:
    if find_bubblewrap() is not None:
        return ""
    return (
        "needs bubblewrap, which is not installed; install it with: "
        "sudo apt install bubblewrap"
    )


def _no_landlock() -> str:
    if landlock_abi() > 0:
        return ""
    return (
        f"needs landlock, which Linux {os.uname().release} does not offer here; it "
        "needs Linux 5.13 or later with landlock enabled."
    )


_MEANS: Mapping[Level, Means] = {
    Level.FULL: Means(
        required=frozenset(PROPERTIES) - {"cpu-time"},
        lacking=lambda: _no_linux() or _no_bubblewrap(),
        wrap=bubblewrap_command,
        namespaces=True,
        filtered=True,
    ),
    Level.PARTIAL: Means(
        required=frozenset({"files", "read-only", "network", "system-calls"}),
        lacking=lambda: _no_linux() or _no_landlock(),
        landlock=True,
        filtered=True,
    ),
    Level.NONE: Means(),
}
