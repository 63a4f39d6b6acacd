"""The harness's side of a sandbox: how it is chosen, started and probed."""

from harness.sandbox.host.choosing import (
    AUTO,
    LevelNotAvailable,
    choose,
    probe,
    why_not,
)
from harness.sandbox.host.levels import IsolationReport, Level
from harness.sandbox.host.properties import PROPERTIES, not_enforced_on
from harness.sandbox.host.sandbox import Sandbox

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
