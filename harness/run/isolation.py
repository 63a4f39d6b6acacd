"""How a run is kept apart: the seam where a sandbox wraps the template."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Isolation(Protocol):
    """Wraps the command line of a template, and says what it enforces."""

    @property
    def level(self) -> str:
        """``full``, ``partial`` or ``none``."""

    @property
    def not_enforced(self) -> tuple[str, ...]:
        """What a hostile submission could still do, in words."""

    @property
    def guards_template(self) -> bool:
        """Whether a template that died was beyond the reach of its run."""

    def wrap(self, argv: list[str], task: Path) -> list[str]:
        """Return the command line that runs `argv` under this isolation."""


@dataclass(frozen=True)
class ProcessBoundary:
    """A process of its own for each run, and nothing more: no sandbox."""

    level: str = "none"
    not_enforced: tuple[str, ...] = ("files", "network", "other processes", "memory")
    guards_template: bool = False

    def wrap(self, argv: list[str], task: Path) -> list[str]:
        """Return the command line unchanged."""
        del task
        return argv
