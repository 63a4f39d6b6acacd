"""Keep strangers' code apart: what it may see, use and leave behind, and the proof.

The names come from `harness.sandbox.host` at first use: a process in which strangers'
code runs imports this package on its way to `harness.sandbox.child`, and no more.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.sandbox.host import *  # noqa: F403


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("harness.sandbox.host"), name)
