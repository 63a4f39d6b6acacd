"""Kaggle's split in two: the public ranks, and the private ones that decide.

The seed of the private split is the organizer's secret. Whatever gives it away to
somebody who tries all small numbers (hash of the track, key of the bank, seeds of the
runs) stays out of the table too, and no private result is copied into a board.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from harness.errors import CheckFailed
from harness.leaderboard.cells import Cells, records
from harness.leaderboard.columns import Role, Row
from harness.leaderboard.eligibility import Eligibility
from harness.leaderboard.evidence import gather
from harness.leaderboard.ranking import in_order, ranked_rows
from harness.leaderboard.replicates import Replicates, by_submission
from harness.leaderboard.stored import Refused, StoredResult, vet
from harness.leaderboard.verified import Vouched
from harness.reference.parallel import Counter
from harness.track import Track

if TYPE_CHECKING:
    import pandas as pd


class PrivateStanding(NamedTuple):
    """Where a submission stands on the private split."""

    score: float
    low: float | None
    high: float | None
    rank: int


#: By submission.
Standings = Mapping[str, PrivateStanding]


def rank_private(
    track: Track,
    results: Sequence[StoredResult],
    n_jobs: int,
    counter: Counter | None = None,
) -> tuple[Standings, tuple[Refused, ...]]:
    """Vet the results of the private split, and rank them among themselves."""
    eligibility = Eligibility.of(track)
    groups, refused = private_replicates(eligibility, results)
    firsts = [group.first for group in groups]
    evidence = gather(firsts, eligibility, n_jobs=n_jobs, counter=counter)
    # Nobody could know this split: a row of it needs no other to confirm it.
    known = {group.first.name: Vouched(confirmed=True) for group in groups}
    standings = {
        row.submission: PrivateStanding(
            row.ranked_score, *row.ranked_interval, row.rank
        )
        for row in ranked_rows(groups, evidence, known)
        if row.ranked_score is not None and row.rank is not None
    }
    return standings, refused


def private_replicates(
    eligibility: Eligibility, results: Sequence[StoredResult]
) -> tuple[tuple[Replicates, ...], tuple[Refused, ...]]:
    """Vet the results of the private split; the reasons give nothing of it away."""
    eligible, refused = vet(results, eligibility, secret=True)
    return by_submission(eligible), refused


def committed_standings(table: "pd.DataFrame") -> Standings:
    """Read private columns, for who does not have the private results."""
    told = table[table["private_score"] != ""]
    return {row["submission"]: _committed(row) for row in records(told)}


def _committed(row: Cells) -> PrivateStanding:
    try:
        low, high = (
            float(row[c]) if row[c] else None for c in ("private_low", "private_high")
        )
        return PrivateStanding(
            float(row["private_score"]), low, high, int(row["private_rank"])
        )
    except ValueError:
        raise CheckFailed(
            f"row {row['submission']}: a private column holds no number; write the "
            "table again with: unlearn-eval leaderboard --update --split-seed."
        ) from None


def with_private(rows: Sequence[Row], standings: Standings) -> list[Row]:
    """Add the private columns; their scores decide the order of the ranked rows.

    A row without a private score keeps its public rank and stands after those that
    have one.
    """
    return in_order([_told(row, standings.get(row.submission)) for row in rows])


def _told(row: Row, standing: PrivateStanding | None) -> Row:
    if standing is None or row.role != Role.RANKED:
        return row
    return replace(
        row,
        private_score=standing.score,
        private_low=standing.low,
        private_high=standing.high,
        private_rank=standing.rank,
        shake_up=None if row.rank is None else row.rank - standing.rank,
    )
