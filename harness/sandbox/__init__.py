"""Keep strangers' code apart: what it may see, use and leave behind, and the proof.

The names come from `harness.sandbox.host` at first use: a process in which strangers'
code runs imports this package on its way to `harness.sandbox.child`, and no more.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.sandbox.host import (
        AUTO,
        PROPERTIES,
        IsolationReport,
        Level,
        LevelNotAvailable,
        Sandbox,
        choose,
        not_enforced_on,
        probe,
        why_not,
    )

__all__ = [
    "AUTO",
    "PROPERTIES",
    "IsolationReport",
    "Level",
    "LevelNotAvailable",
    "Sandbox",
    "choose",
    "not_enforced_on",
    "probe",
    "why_not",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from harness.sandbox import host  # noqa: PLC0415 - not for the template

    return getattr(host, name)
