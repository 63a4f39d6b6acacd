"""Run submissions of a board again, and hold the new scores against the stored ones."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from scipy.special import ndtri

from harness.errors import UsageError
from harness.leaderboard.board import Board
from harness.leaderboard.eligibility import Eligibility
from harness.leaderboard.evidence import gather
from harness.leaderboard.origin import submission_file
from harness.leaderboard.replicates import Replicates, by_submission
from harness.leaderboard.stored import StoredResult, figure
from harness.leaderboard.verified import digest_of, write_record
from harness.results.schema import Result
from harness.run.submission import read_submission
from harness.status import Status

ALL = "all"
ALPHA = 0.05
#: What must come out again; the first of these that a result has is its `ranked_score`.
_SCORES = ("calibrated_score", "score")

_OTHER_SCORE = ", but the official score is not what was stored"


@dataclass(frozen=True)
class Rerun:
    """What became of one submission, then and now, by the score that ranks.

    It is `inside` when the status is the same, and the new score lies in the stored
    95 % interval for a second scoring, where both have one; `reproduced` asks that of
    the official score too, and the same of the stored scores in the new intervals, for
    arrays that are made up may be as noisy as they like. It widens the intervals for
    the number of scores that are compared, so that all of them pass together in 95 % of
    the cases.
    """

    submission: str
    stored: float | None
    low: float | None
    high: float | None
    now: float | None
    status_stored: Status
    status_now: Status
    inside: bool
    reproduced: bool

    def __str__(self) -> str:
        if self.stored is None or self.now is None or self.low is None:
            verdict = "as stored" if self.reproduced else f"was {self.status_stored}"
            if self.status_stored == self.status_now and not self.reproduced:
                verdict = "with too few models for an interval to compare"
            return f"{self.submission}: {self.status_now}, {verdict}"
        verdict = "inside" if self.inside else "outside"
        if self.reproduced and not self.inside:
            verdict += ", but no further than chance allows among so many,"
        return (
            f"{self.submission}: {self.now:.4f}, {verdict} "
            f"{self.low:.4f} to {self.high:.4f} (stored {self.stored:.4f})"
            f"{'' if self.reproduced or not self.inside else _OTHER_SCORE}"
        )

    def to_dict(self) -> dict[str, object]:
        """Return the documented JSON object."""
        return asdict(self)


def rows_to_rerun(
    board: Board, eligibility: Eligibility, names: Sequence[str], submissions: Path
) -> list[tuple[Replicates, Path]]:
    """Find rows of a board by name, with the file that made each in a folder.

    ``"all"`` stands for every one but the references.

    Raises
    ------
    UsageError
        If a name is on no row, its file is not there, or has changed since.
    CheckFailed
        If the board is damaged.
    """
    board.texts()  # says so if there is no board
    groups = by_submission(board.results(eligibility))
    rows = {group.first.name: group for group in groups}
    track = eligibility.track.name
    if ALL in names:
        chosen = [n for n, row in rows.items() if not row.first.result.is_reference]
    else:
        chosen = list(dict.fromkeys(names))
    for name in chosen:
        if name not in rows:
            known = ", ".join(rows)
            raise UsageError(f"the board has no row {name!r}; its rows are: {known}.")
    paths = {name: submission_file(submissions, name, track) for name in chosen}
    return [
        (_computed(rows[name], eligibility), _unchanged(rows[name].first, path))
        for name, path in paths.items()
    ]


def _computed(row: Replicates, eligibility: Eligibility) -> Replicates:
    """Take what the arrays give in place of what a file says of them."""
    evidence = gather(row.results, eligibility, n_jobs=1, everything=True)
    first, *second = (
        replace(each, result=evidence[each.path].result) for each in row.results
    )
    return Replicates(first, *second) if second else Replicates(first, None)


def _unchanged(stored: StoredResult, path: Path) -> Path:
    if not os.path.lexists(path):
        raise UsageError(
            f"there is no file {stored.name}.py to run again; put it back into "
            "submissions/, or take its row off the board."
        )
    if read_submission(path).sha256 != stored.sha256:
        raise UsageError(
            f"{path} has changed since its row was scored; score it with --official "
            "and run: unlearn-eval leaderboard --update."
        )
    return path


def compare_reruns(
    stored: Iterable[StoredResult], now: Iterable[Result]
) -> list[Rerun]:
    """Hold new results against stored ones, in the same order."""
    pairs = list(zip(stored, now, strict=True))
    return [_rerun(each.result, result, len(pairs)) for each, result in pairs]


def record_reruns(
    board: Board,
    rows: Sequence[Replicates],
    now: Sequence[Result],
    key: Path | None = None,
) -> None:
    """Write into the records which stored runs those of the organizer bear out.

    A replicate is one in whose interval the new score lies; that a row is not
    reproduced is written too, over an earlier record.
    """
    for group, result in zip(rows, now, strict=True):
        results = {
            f"seed-{each.seed}": digest_of(each)
            for each in group.results
            if _rerun(each.result, result, len(rows)).reproduced
        }
        write_record(
            board.backing,
            group.first,
            key,
            secret_name=result.provenance.secret_name,
            rerun_seed=result.provenance.seed,
            rerun_score=figure(result, "score"),
            results=results,
        )


def _rerun(stored: Result, now: Result, n_rows: int) -> Rerun:
    score = figure(now, "ranked_score")
    same_status = stored.status == now.status
    compared = [name for name in _SCORES if figure(stored, name) is not None]
    times = widening(n_rows * max(1, 2 * len(compared)))  # either way
    return Rerun(
        submission=stored.name,
        stored=figure(stored, "ranked_score"),
        low=figure(stored, "ranked_score", "low_repeated"),
        high=figure(stored, "ranked_score", "high_repeated"),
        now=score,
        status_stored=stored.status,
        status_now=now.status,
        inside=same_status and _lies_in(now, stored, 1.0, "ranked_score") is not False,
        reproduced=same_status
        and all(
            _lies_in(one, other, times, each)
            for each in compared
            for one, other in ((now, stored), (stored, now))
        ),
    )


def widening(n_rows: int) -> float:
    """Return how many times wider an interval must be to hold for many at once.

    Bonferroni: each of `n_rows` normal deviations may leave its interval with a chance
    of 5 % / `n_rows`.
    """
    return float(ndtri(1 - ALPHA / 2 / n_rows) / ndtri(1 - ALPHA / 2))


def _lies_in(one: Result, other: Result, times: float, name: str) -> bool | None:
    """Say whether a score of one lies in the interval of another; None: who knows."""
    score = figure(one, name)
    center, low, high = (
        figure(other, name, end) for end in ("value", "low_repeated", "high_repeated")
    )
    if score is None or center is None or low is None or high is None:
        return None
    return center - times * (center - low) <= score <= center + times * (high - center)
