"""The replicates of a submission: the same source, scored with several seeds."""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from harness.errors import UsageError
from harness.leaderboard.stored import StoredResult
from harness.status import Status


class Replicates(NamedTuple):
    """The result of the lowest seed, which is the row, and that of the next."""

    first: StoredResult
    second: StoredResult | None

    @property
    def results(self) -> tuple[StoredResult, ...]:
        """Both, or the only one."""
        return (self.first,) if self.second is None else (self.first, self.second)


def by_submission(results: Iterable[StoredResult]) -> tuple[Replicates, ...]:
    """Put the results of each submission together, by name."""
    found: dict[str, list[StoredResult]] = {}
    for each in results:
        found.setdefault(each.name, []).append(each)
    return tuple(_replicates(name, found[name]) for name in sorted(found))


def _replicates(name: str, results: list[StoredResult]) -> Replicates:
    ordered = sorted(results, key=lambda each: each.seed)
    first, *others = ordered
    for other in others:
        if other.sha256 != first.sha256:
            raise UsageError(_two(f"submissions named {name!r}", first, other))
    for one, next_one in pairwise(ordered):
        if one.seed == next_one.seed:
            words = f"results of {name!r} with seed {one.seed}"
            raise UsageError(_two(words, one, next_one))
    return Replicates(first, others[0] if others else None)


def _two(words: str, one: StoredResult, other: StoredResult) -> str:
    return (
        f"there are two {words}: {one.path} and {other.path}; remove one of the two "
        "folders, or rename one submission and score it again."
    )


def merged(
    board: Iterable[StoredResult], runs: Iterable[StoredResult]
) -> tuple[StoredResult, ...]:
    """Return what a board holds after an update; `runs` replace rows of one name.

    A replicate of the same source that only the board has stays, and a failure never
    replaces a result that was scored.
    """
    new = list(runs)
    sources = {each.name: each.sha256 for each in new}
    together = {
        (each.name, each.seed): each
        for each in board
        if sources.get(each.name, each.sha256) == each.sha256
    }
    better = [e for e in new if not _only_failed(e, together.get((e.name, e.seed)))]
    for each in better:
        together.pop((each.name, each.seed), None)
    groups = by_submission([*together.values(), *better])
    return tuple(each for group in groups for each in group.results)


def _only_failed(new: StoredResult, earlier: StoredResult | None) -> bool:
    if earlier is None or new.result.status == Status.SCORED:
        return False
    return earlier.result.status == Status.SCORED
