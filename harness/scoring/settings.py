"""What a scoring is asked to do, and who hears how it goes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.errors import UsageError
from harness.machine import available_cores
from harness.reference.parallel import Counter
from harness.results.schema import Result
from harness.run.entry import Entry
from harness.track.schema import Track


@dataclass(frozen=True, kw_only=True)
class ScoreSettings:
    """Settings that hold for every submission of one command.

    Attributes
    ----------
    track : Track
        What is trained, forgotten and measured, and on which device.
    n_models : int
        N, at least 2.
    originals : int, optional
        Original models to make N models from each; by default all of the track's.
    n_jobs : int
        Runs at a time, at least 1.
    seed : int
        Another seed draws other runs.
    output : Path
        Where result folders go.
    force : bool
        Do all runs again even if they are there.
    data_dir : Path, optional
        Where the data lie already.
    secret : bytes
        The seeds of the runs are an HMAC with it; empty for public ones.
    keep_going : bool
        Make a failure of ours the status of one submission, and go on with the others.
    """

    track: Track
    n_models: int
    n_jobs: int
    originals: int | None = None
    seed: int = 0
    output: Path = Path("runs")
    force: bool = False
    data_dir: Path | None = None
    secret: bytes = b""
    keep_going: bool = False

    def __post_init__(self) -> None:
        if self.n_models < 2:
            raise UsageError(
                f"--n-models {self.n_models} is too few: epsilon compares "
                "distributions, so at least 2 models are needed, and 64 are usual."
            )
        if self.n_jobs < 1:
            raise UsageError(
                f"--n-jobs {self.n_jobs} is too few: at least 1 run at a time; this "
                f"machine has {available_cores()} cores."
            )

        most = self.track.evaluation.originals
        if self.originals is not None and not 1 <= self.originals <= most:
            raise UsageError(
                f"--originals {self.originals} is not 1 to {most}: {self.track.name} "
                f"has {most}."
            )

    @property
    def n_originals(self) -> int:
        """Original models that submissions are run on."""
        return self.originals or self.track.evaluation.originals

    def originals_of(self, entry: Entry) -> int:
        """Original models of one entry; checkpoints come from one."""
        return 1 if entry.made_elsewhere else self.n_originals

    def n_runs(self, entry: Entry) -> int:
        """Runs of one entry: run i starts from the original i modulo their number."""
        return self.n_models * self.originals_of(entry)

    @property
    def device(self) -> str:
        """``"cpu"`` or ``"cuda"``, of whatever number: the track's."""
        return self.track.device.partition(":")[0]


class Listener(Counter, Protocol):
    """Hears of progress; shows it or not.

    A result may be told by another thread, while the next submission's runs go on.
    """

    def say(self, text: str) -> None:
        """Hear one line of news."""

    def result(self, result: Result, reused: bool) -> None:
        """Hear of a submission's result."""
