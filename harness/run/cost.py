"""The cost of a run, and when it is killed."""

from harness.run.messages import Usage

#: A run is killed at this many times its budget, and never before `_GRACE_SECONDS`.
_KILL_FACTOR, _GRACE_SECONDS = 10.0, 30.0


def cost_seconds(usage: Usage, device: str) -> float:
    """Cost of a run: CPU seconds of the process tree, or wall seconds on a GPU."""
    return usage.cpu_seconds if device == "cpu" else usage.wall_seconds


def kill_seconds(budget_seconds: float) -> float:
    """Wall seconds after which a run is killed, well past its budget."""
    return max(_GRACE_SECONDS, _KILL_FACTOR * budget_seconds)
