"""The cost of a run, and when it is killed."""

import os
import time
from collections.abc import Callable
from typing import NamedTuple

from harness.models.records import unexplained_seconds
from harness.run.messages import Limit, Usage

#: A run is killed at this many times its budget, and never before `_GRACE_SECONDS`.
_KILL_FACTOR, _GRACE_SECONDS = 10.0, 30.0
#: What computes all the time needs no more wall seconds than so many times its CPU
#: seconds; on a busy machine as many times more as it is busy, up to a bound.
_WALL_FACTOR, _MOST_BUSY = 3.0, 10.0
#: The runs of one scoring may wait so long in all for something else than a core.
MOST_IDLE_SECONDS = 60.0


class Budget(NamedTuple):
    """What a run may cost: a share of one retraining."""

    cap: float
    retraining_seconds: float

    @property
    def seconds(self) -> float:
        """The cap in seconds."""
        return self.cap * self.retraining_seconds


def cost_seconds(usage: Usage, device: str) -> float:
    """Cost of a run: CPU seconds of the process tree, or wall seconds on a GPU."""
    return usage.cpu_seconds if device == "cpu" else usage.wall_seconds


def kill_seconds(budget_seconds: float) -> float:
    """Seconds of cost at which a run is killed, well past its budget."""
    return max(_GRACE_SECONDS, _KILL_FACTOR * budget_seconds)


def limit_at(seconds: float, device: str) -> Limit:
    """Have a run killed at a cost, and on a CPU also when it just sleeps."""
    if device == "cpu":
        return Limit(seconds, _WALL_FACTOR * seconds)
    return Limit(wall_seconds=seconds)


def busyness() -> float:
    """How many tasks want each core of this machine, at least 1 and not without end."""
    return min(max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)), _MOST_BUSY)


def idle_seconds(usage: Usage, busy: Callable[[], float] = busyness) -> float:
    """Wall seconds of a run beyond those that its CPU time can explain.

    On a busy machine, whoever waits for a core cannot help it.
    """
    return unexplained_seconds(usage.cpu_seconds, usage.wall_seconds / busy())


class WallClock:
    """Counts down the wall seconds of a run from the moment that it is made."""

    def __init__(self, limit: Limit, busy: Callable[[], float] = busyness) -> None:
        self._left = float("inf") if limit.wall_seconds is None else limit.wall_seconds
        # Whoever waits for a core cannot help it; whoever is paid by the clock must.
        self._busy = busy if limit.cpu_seconds is not None else lambda: 1.0
        self._seen = time.monotonic()

    def left(self) -> float:
        """Seconds that are left, as busy as the machine is now; 0 or less for none."""
        now = time.monotonic()
        busy = self._busy()
        self._left -= (now - self._seen) / busy
        self._seen = now
        return self._left * busy
