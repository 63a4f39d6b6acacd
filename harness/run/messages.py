"""What the harness and a run's process say to each other."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.status import Status

#: First byte of what a run writes: weights, or words about why there are none.
WEIGHTS, FAILURE = b"W", b"E"
#: Key of a request's message that holds a checkpoint to read.
CHECKPOINT = "checkpoint"


def largest_checkpoint(n_bytes: int) -> int:
    """Bytes that a checkpoint may have, packed or not, for weights of `n_bytes`.

    It may be of double precision, twice, and has words around its numbers.
    """
    return 4 * n_bytes + 1_000_000


class Limit(NamedTuple):
    """When a run is killed; None for never.

    Attributes
    ----------
    cpu_seconds : float or None
        Used by its whole process tree. Where that cannot be read while processes live,
        only the clock stops a run.
    wall_seconds : float or None
        Passed on the harness's clock; beside a limit of CPU time they pass the slower
        the busier the machine is.
    """

    cpu_seconds: float | None = None
    wall_seconds: float | None = None


NO_LIMIT = Limit()


@dataclass(frozen=True)
class RunRequest:
    """One call of a submission.

    Attributes
    ----------
    filename, source : str
        The submission, by value: no path of ours reaches the run.
    seed : int
        Seed of the run.
    budget_seconds : float or None
        The cap in seconds, passed to a submission that names it.
    memory_bytes : int or None
        Limit of the run's data segment.
    limit : Limit
        When it is killed.
    """

    filename: str
    source: str
    seed: int
    budget_seconds: float | None = None
    memory_bytes: int | None = None
    limit: Limit = NO_LIMIT

    def message(self) -> dict[str, Any]:
        """Return what is sent, as JSON can hold it; the supervisor keeps the limit."""
        words = {key: value for key, value in vars(self).items() if key != "limit"}
        return {**words, "cpu_limit_seconds": self.limit.cpu_seconds}


@dataclass(frozen=True)
class CheckpointRequest:
    """One reading of a checkpoint that was made elsewhere, where a run would be.

    Attributes
    ----------
    read : callable
        Gives the file's bytes, when its turn has come: N files need not fit in memory.
    seed : int
        Stands for the content of the file, as a run's stands for its draw.
    memory_bytes : int or None
        Limit of the process's data segment.
    limit : Limit
        When it is killed.
    """

    read: Callable[[], bytes]
    seed: int
    memory_bytes: int | None = None
    limit: Limit = NO_LIMIT

    def message(self) -> dict[str, Any]:
        """Return what is sent to the process that reads, as JSON can hold it."""
        content = b64encode(self.read()).decode("ascii")
        return {
            CHECKPOINT: content,
            "memory_bytes": self.memory_bytes,
            "cpu_limit_seconds": self.limit.cpu_seconds,
        }


Request = RunRequest | CheckpointRequest


class Usage(NamedTuple):
    """What a run used, read outside it.

    Attributes
    ----------
    cpu_seconds : float
        CPU time of the whole process tree.
    wall_seconds : float
        From the go to the death of the last process.
    peak_bytes : int
        Largest resident set of one process of the run.
    """

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Failure:
    """Why a run gave no usable weights.

    Attributes
    ----------
    status : Status
        Never ``SCORED``.
    reason : str
        One sentence.
    traceback : str
        The end of the submission's own traceback, or nothing.
    """

    status: Status
    reason: str
    traceback: str = ""


@dataclass(frozen=True)
class RunReport:
    """What came of one call: weights or a failure, the cost, the printed output."""

    usage: Usage
    weights: bytes | None = None
    failure: Failure | None = None
    output: str = ""
