"""Keep strangers' code apart: what it may see, use and leave behind, and the proof."""

from harness.sandbox.host.levels import (
    CHOICES,
    LevelNotAvailable,
    choose,
    probe,
    why_not,
)
from harness.sandbox.host.report import (
    LEVELS,
    PROPERTIES,
    IsolationReport,
    not_enforced_on,
)
from harness.sandbox.host.sandbox import Sandbox

__all__ = [
    "CHOICES",
    "LEVELS",
    "PROPERTIES",
    "IsolationReport",
    "LevelNotAvailable",
    "Sandbox",
    "choose",
    "not_enforced_on",
    "probe",
    "why_not",
]
