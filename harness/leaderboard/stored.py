"""Stored results as a leaderboard reads them: sound, and where they belong."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from harness.errors import CheckFailed
from harness.leaderboard.eligibility import Eligibility
from harness.results.schema import Result
from harness.results.store import RESULT, ResultFolder


@dataclass(frozen=True)
class StoredResult:
    """A result in its folder.

    Another `seed` of the scoring is another replicate; `written` is when the result
    was, in seconds since the epoch.
    """

    path: Path
    result: Result
    seed: int
    written: float = 0.0

    @property
    def name(self) -> str:
        """The submission's name."""
        return self.result.name

    @property
    def sha256(self) -> str:
        """Digest of the submission's source."""
        return self.result.about.sha256

    @property
    def is_measured(self) -> bool:
        """Whether all its runs were made, so that it has a score."""
        return self.result.metrics.score is not None

    @property
    def is_ranked(self) -> bool:
        """Whether it takes part in the ranking."""
        return self.is_measured and self.result.is_ranked


def figure(result: Result, metric: str, name: str = "value") -> float | None:
    """Read one number of a metric; None where it was not measured."""
    number: float | None = getattr(getattr(result.metrics, metric), name, None)
    return number


class Refused(NamedTuple):
    """A result that is shown with the reason why it has no place in the ranking."""

    submission: str
    seed: int
    reason: str

    def __str__(self) -> str:
        return f"{self.submission} (seed {self.seed}): {self.reason}"


#: Results that can be ranked, and those that cannot.
Vetted = tuple[tuple[StoredResult, ...], tuple[Refused, ...]]


def read_all(folder: Path) -> tuple[StoredResult, ...]:
    """Read the results in ``<folder>/<submission>/<id>/``, in order of the paths."""
    return tuple(read_one(p.parent) for p in sorted(folder.glob(f"*/*/{RESULT}")))


def read_one(path: Path) -> StoredResult:
    """Read one result folder; see `read_all`."""
    folder = ResultFolder(path)
    folder.check()
    result = folder.read()
    if result.name != path.parent.name:
        raise CheckFailed(
            f"{path / RESULT} says it is of {result.name!r} but lies in the folder of "
            f"{path.parent.name!r}; put it back, or score the submission again."
        )
    return StoredResult(
        path, result, result.provenance.seed, (path / RESULT).stat().st_mtime
    )


def vet(
    results: Iterable[StoredResult], eligibility: Eligibility, *, secret: bool = False
) -> Vetted:
    """Part the results that can be ranked from those that cannot.

    Of a submission whose file was changed and scored again, the version that was
    written last stays. With `secret` the reasons give away nothing of the split.
    """
    eligible: list[StoredResult] = []
    refused: list[Refused] = []
    for each in results:
        if reason := eligibility.refusal(each.result, secret=secret):
            refused.append(Refused(each.name, each.seed, reason))
        else:
            eligible.append(each)
    by_age = sorted(eligible, key=lambda each: each.written)
    latest = {each.name: each.sha256 for each in by_age}
    for each in eligible:
        if each.sha256 != latest[each.name]:
            reason = f"an earlier version of its file ({each.path}): not ranked"
            refused.append(Refused(each.name, each.seed, reason))
    kept = (each for each in eligible if each.sha256 == latest[each.name])
    return tuple(kept), tuple(refused)
