"""What one retraining costs on this machine: the denominator of the efficiency ratio.

It is measured by running the oracle, ``submissions/retrain.py``, through the same
runner as any submission, so neither a faster way of building the bank nor a slower
machine changes what the cap allows.
"""

import statistics
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from harness.machine import this_machine
from harness.run.messages import Usage
from harness.storage.cache import cache_root
from harness.storage.checksums import checked_json, json_with_checksum
from harness.storage.files import write_atomic
from harness.storage.shipped import shipped_submissions
from harness.track.schema import Track

ORACLE = "retrain"
#: Rises when a change of the runner changes what a run costs.
_RUNNER = 3


def oracle_path() -> Path:
    """Find the oracle's file."""
    return shipped_submissions() / f"{ORACLE}.py"


#: Share of its time that a retraining may wait for a core; beyond, the machine is busy,
#: and what shares a core's caches makes CPU seconds dear too.
_MOST_WAITING = 0.25
#: CPU seconds below which starting and ending a run look like waiting.
_LONG_ENOUGH = 1.0


class Calibration(NamedTuple):
    """What a few retrainings cost, each as `cost_seconds` counts it.

    They waited for the share `waited` of their time; 0 where not known.
    """

    seconds: tuple[float, ...]
    waited: float = 0.0

    @property
    def busy(self) -> bool:
        """Whether others used the machine so much that it should be measured again."""
        return self.waited > _MOST_WAITING


def share_waited(usages: Sequence[Usage]) -> float:
    """Return the share of its time that a run of one thread waited, by the median.

    The runs compute all the time; it is 0 if they are too short to tell.
    """
    shares = [
        1 - usage.cpu_seconds / usage.wall_seconds
        for usage in usages
        if usage.cpu_seconds >= _LONG_ENOUGH
    ]
    return max(0.0, statistics.median(shares)) if shares else 0.0


def share_slowed(seconds: Sequence[float]) -> float:
    """Return the share of its time that a run lost to others, by the median.

    By the clock, which is the cost on a GPU: the fastest run is taken for one that lost
    none, so that what slows all alike is not seen.
    """
    return 1.0 - min(seconds) / statistics.median(seconds)


class CalibrationKey(NamedTuple):
    """What a calibration holds for."""

    track: Track
    device: str
    jobs: int
    isolation: str
    oracle_sha256: str

    @property
    def path(self) -> Path:
        """Where it is kept; machines of another kind have another file."""
        name = (
            f"{self.track.hash}-{this_machine().fingerprint}-{self.device}"
            f"-j{self.jobs}-{self.isolation}-{self.oracle_sha256[:12]}-r{_RUNNER}.json"
        )
        return cache_root() / "calibration" / name


def read_calibration(key: CalibrationKey) -> Calibration | None:
    """Read a kept calibration; None if there is none or it is damaged."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        seconds = checked_json(key.path.read_bytes())["retraining_seconds"]
        values = tuple(float(value) for value in seconds)
        if values and all(0 < value < float("inf") for value in values):
            return Calibration(values)
    return None


def write_calibration(key: CalibrationKey, calibration: Calibration) -> None:
    """Keep a calibration for the next time."""
    content = {
        "track": key.track.name,
        "device": key.device,
        "jobs": key.jobs,
        "isolation": key.isolation,
        "machine": this_machine().describe(),
        "retraining_seconds": list(calibration.seconds),
    }
    write_atomic(key.path, json_with_checksum(content))


def calibration_runs(n_jobs: int) -> int:
    """How many retrainings to measure: at least three, every worker equally often."""
    return max(n_jobs, -(-3 // n_jobs) * n_jobs)
