"""Stored results as a leaderboard reads them: sound, and where they belong."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from harness.errors import CheckFailed
from harness.leaderboard.eligibility import Terms
from harness.results.schema import Result
from harness.results.store import RESULT, ResultFolder


@dataclass(frozen=True)
class Entry:
    """One stored result.

    Attributes
    ----------
    path : Path
        Its folder.
    result : Result
        What it says.
    seed : int
        The scoring's seed; another one is another replicate.
    written : float
        When it was written, in seconds since the epoch.
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
        return self.result.is_complete

    @property
    def is_ranked(self) -> bool:
        """Whether it takes part in the ranking."""
        return self.is_measured and self.result.is_ranked


class Refused(NamedTuple):
    """A result that is shown with the reason why it has no place in the ranking."""

    submission: str
    seed: int
    reason: str


class Vetted(NamedTuple):
    """Results that keep the terms, and those that do not."""

    entries: tuple[Entry, ...]
    refused: tuple[Refused, ...]


def read_entries(folder: Path) -> tuple[Entry, ...]:
    """Read all results of ``<folder>/<submission>/<id>/``, in the order of the paths.

    Raises
    ------
    CheckFailed
        If one cannot be read, a file of it has changed, or it lies in the folder of
        another submission.
    """
    return tuple(read_entry(p.parent) for p in sorted(folder.glob(f"*/*/{RESULT}")))


def read_entry(path: Path) -> Entry:
    """Read one result folder; see `read_entries`."""
    folder = ResultFolder(path)
    folder.check()
    result = folder.read()
    if result.name != path.parent.name:
        raise CheckFailed(
            f"{path / RESULT} says it is of {result.name!r} but lies in the folder of "
            f"{path.parent.name!r}; put it back, or score the submission again."
        )
    return Entry(path, result, result.provenance.seed, (path / RESULT).stat().st_mtime)


def vet(entries: Iterable[Entry], terms: Terms, *, secret: bool = False) -> Vetted:
    """Part the results that keep the terms from those that do not.

    With `secret` the reasons give away nothing of the split.
    """
    kept: list[Entry] = []
    refused: list[Refused] = []
    for entry in entries:
        reason = terms.refusal(entry.result, secret=secret)
        if reason:
            refused.append(Refused(entry.name, entry.seed, reason))
        else:
            kept.append(entry)
    return Vetted(tuple(kept), tuple(refused))


def without_earlier_versions(vetted: Vetted) -> Vetted:
    """Refuse the results of a submission whose file was changed and scored again.

    The version of the result that was written last stays.
    """
    latest: dict[str, Entry] = {}
    for entry in sorted(vetted.entries, key=lambda each: each.written):
        latest[entry.name] = entry
    kept: list[Entry] = []
    refused = list(vetted.refused)
    for entry in vetted.entries:
        if entry.sha256 == latest[entry.name].sha256:
            kept.append(entry)
        else:
            reason = f"an earlier version of its file ({entry.path}): not ranked"
            refused.append(Refused(entry.name, entry.seed, reason))
    return Vetted(tuple(kept), tuple(refused))


def refusals_in_words(refused: Sequence[Refused]) -> str:
    """List refused results in one clause."""
    return "; ".join(f"{r.submission} (seed {r.seed}): {r.reason}" for r in refused)
