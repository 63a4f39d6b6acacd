"""Kaggle's split in two: the public ranks, and the private ones that decide.

The seed of the private split is the organizer's secret. Whatever gives it away to
somebody who tries all small numbers (hash of the track, key of the bank, seeds of the
runs) stays out of the table too, and no private result is copied into a board.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from harness.errors import CheckFailed
from harness.leaderboard.columns import Cells
from harness.leaderboard.evidence import Evidence
from harness.leaderboard.replicates import Replicates
from harness.leaderboard.row import Role, Row, row_of
from harness.leaderboard.standings import in_order, rank_rows


class PrivateStanding(NamedTuple):
    """Where a submission stands on the private split."""

    score: float
    low: float | None
    high: float | None
    rank: int


def private_standings(
    replicates: Sequence[Replicates], evidence: Mapping[Path, Evidence]
) -> dict[str, PrivateStanding]:
    """Rank the results of the private split among themselves, by submission."""
    firsts = [group.first for group in replicates if group.first.is_ranked]
    rows = [row_of(entry, entry.result.metrics) for entry in firsts]
    sides = {entry.name: evidence[entry.path].side for entry in firsts}
    return {
        row.submission: PrivateStanding(
            row.score, row.score_low, row.score_high, row.rank
        )
        for row in rank_rows(rows, sides)
        if row.score is not None and row.rank is not None
    }


def committed_standings(cells: Sequence[Cells]) -> dict[str, PrivateStanding]:
    """Read the private columns of a table, for who does not have the private results.

    Raises
    ------
    CheckFailed
        If a cell is no number.
    """
    return {
        row["submission"]: _committed(row) for row in cells if row.get("private_score")
    }


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


def with_private(
    rows: Sequence[Row], standings: Mapping[str, PrivateStanding]
) -> list[Row]:
    """Add the private columns; their scores decide the order of the ranked rows.

    A row without a private score keeps its public rank and stands after those that
    have one.
    """
    told = [
        _told(row, standings[row.submission])
        if row.role == Role.RANKED and row.submission in standings
        else row
        for row in rows
    ]
    return in_order(told)


def _told(row: Row, standing: PrivateStanding) -> Row:
    shake_up = None if row.rank is None else row.rank - standing.rank
    return replace(
        row,
        private_score=standing.score,
        private_low=standing.low,
        private_high=standing.high,
        private_rank=standing.rank,
        shake_up=shake_up,
    )
