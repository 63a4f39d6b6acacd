"""The replicates of a submission: the same source, scored with several seeds."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from harness.errors import UsageError
from harness.leaderboard.stored import Entry
from harness.status import Status


@dataclass(frozen=True)
class Replicates:
    """The row of a submission, and its second replicate if there is one.

    Attributes
    ----------
    first : Entry
        Of the lowest seed: the row.
    second : Entry or None
        Of the next seed.
    """

    first: Entry
    second: Entry | None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Both, or the only one."""
        return (self.first,) if self.second is None else (self.first, self.second)


def by_submission(entries: Iterable[Entry]) -> tuple[Replicates, ...]:
    """Put the results of each submission together, by name.

    Raises
    ------
    UsageError
        If two results of one name are of different sources, or of one seed.
    """
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.name, []).append(entry)
    return tuple(_replicates(name, found[name]) for name in sorted(found))


def _replicates(name: str, entries: list[Entry]) -> Replicates:
    ordered = sorted(entries, key=lambda entry: entry.seed)
    for entry in ordered[1:]:
        if entry.sha256 != ordered[0].sha256:
            raise UsageError(_two(f"submissions named {name!r}", ordered[0], entry))
    for one, next_one in pairwise(ordered):
        if one.seed == next_one.seed:
            words = f"results of {name!r} with seed {one.seed}"
            raise UsageError(_two(words, one, next_one))
    return Replicates(ordered[0], ordered[1] if len(ordered) > 1 else None)


def _two(words: str, one: Entry, other: Entry) -> str:
    return (
        f"there are two {words}: {one.path} and {other.path}; remove one of the two "
        "folders, or rename one submission and score it again."
    )


def merged(board: Iterable[Entry], runs: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return what a board holds after an update; `runs` replace rows of one name.

    A replicate of the same source that only the board has stays, and a failure never
    replaces a result that was scored.

    Parameters
    ----------
    board, runs : iterable of Entry
        Results that keep the terms.

    Raises
    ------
    UsageError
        As `by_submission`.
    """
    new = list(runs)
    sources = {entry.name: entry.sha256 for entry in new}
    kept = {
        (entry.name, entry.seed): entry
        for entry in board
        if sources.get(entry.name, entry.sha256) == entry.sha256
    }
    better = [
        entry
        for entry in new
        if not _only_failed(entry, kept.get((entry.name, entry.seed)))
    ]
    taken = {(entry.name, entry.seed) for entry in better}
    stay = [entry for key, entry in kept.items() if key not in taken]
    groups = by_submission([*stay, *better])
    return tuple(entry for group in groups for entry in group.entries)


def _only_failed(entry: Entry, earlier: Entry | None) -> bool:
    if earlier is None or entry.result.status == Status.SCORED:
        return False
    return earlier.result.status == Status.SCORED
