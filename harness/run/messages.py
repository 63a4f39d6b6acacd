"""What the harness and a run's process say to each other."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.status import Status

#: First byte of what a run writes: weights, or words about why there are none.
WEIGHTS, FAILURE = b"W", b"E"
#: What a run on a GPU writes before: it is there, and its clock starts.
BEGUN = b"B"
#: What a submission is passed: the first four by place, of the others what it names.
ARGUMENTS = ("net", "retain", "forget", "validation")
OPTIONAL_ARGUMENTS = ("seed", "device", "budget_seconds", "recipe")
#: What notebooks use and ``unlearn-eval[notebooks]`` brings, by the names of modules.
NOTEBOOK_MODULES = ("tqdm", "requests", "matplotlib", "pandas", "sklearn", "tabulate")
#: Key of a request's message that holds a checkpoint to read.
CHECKPOINT = "checkpoint"


def largest_checkpoint(n_bytes: int) -> int:
    """Bytes that a checkpoint may have, packed or not, for weights of `n_bytes`.

    It may be of double precision, twice, and has words around its numbers.
    """
    return 4 * n_bytes + 1_000_000


class Limit(NamedTuple):
    """When a run is killed; None for never.

    CPU seconds are those of its whole process tree; where they cannot be read while
    processes live, only the clock stops a run. Beside a limit of CPU time the wall
    seconds pass the slower the busier the machine is.
    """

    cpu_seconds: float | None = None
    wall_seconds: float | None = None


NO_LIMIT = Limit()


@dataclass(frozen=True)
class RunRequest:
    """One call of a submission, by value: no path of ours reaches the run.

    A submission that names `budget_seconds` is told the cap; `memory_bytes` bound the
    data segment of each of its processes, and what all of them hold. It starts from the
    `original` of that place.
    """

    filename: str
    source: str
    seed: int
    budget_seconds: float | None = None
    memory_bytes: int | None = None
    limit: Limit = NO_LIMIT
    original: int = 0

    def message(self) -> dict[str, Any]:
        """Return what is sent, as JSON can hold it; the supervisor keeps the limit."""
        words = {key: value for key, value in vars(self).items() if key != "limit"}
        return {**words, "cpu_limit_seconds": self.limit.cpu_seconds}


@dataclass(frozen=True)
class CheckpointRequest:
    """One reading of a checkpoint that was made elsewhere, where a run would be.

    `read` gives the file's bytes when its turn has come: N files need not fit in
    memory. The `seed` stands for their content, as a run's stands for its draw.
    """

    read: Callable[[], bytes]
    seed: int
    memory_bytes: int | None = None
    limit: Limit = NO_LIMIT
    #: Checkpoints of 2023 come from one original model.
    original: int = 0

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
    """What a run used with all its processes, read outside it.

    The wall seconds are those from the go to the death of the last process; on a GPU
    from the run's arrival there to the end of its result, without making and unmaking a
    context. The peak is the memory that all of them held, or one of them where that was
    more.
    """

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Failure:
    """Why a run gave no usable weights: a sentence, and the end of its traceback."""

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


def other_task(named: Sequence[str], kind: str, dataset: str, track: str) -> str:
    """Say that a submission names tasks of which this one is none; mostly nothing."""
    if not named or kind in named or dataset in named:
        return ""
    tasks = " or ".join(named)[:200]
    return (
        f"it is for tasks of {tasks} (TASKS), and the track {track} is of "
        f"{kind or dataset}; choose another with --track: unlearn-eval tracks lists "
        "them."
    )


def missing_module(name: str) -> str:
    """Say what to do about a module that is not installed."""
    shown = name[:80]
    if name in NOTEBOOK_MODULES:
        others = ", ".join(NOTEBOOK_MODULES)
        return (
            f"{shown} is not installed; pip install 'unlearn-eval[notebooks]' brings "
            f"what notebooks use: {others}."
        )
    return (
        f"{shown} is not installed here; install it where submissions are scored, or "
        "do without: torch, torchvision, numpy, scipy, pandas, PIL and joblib "
        "are there."
    )
