"""The rows of a table in their order, with their ranks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.leaderboard.columns import DIGITS
from harness.leaderboard.controls import ceiling_and_floor
from harness.leaderboard.eligibility import Terms
from harness.leaderboard.evidence import Evidence
from harness.leaderboard.ranking import separably_better, shared_ranks
from harness.leaderboard.replicates import Replicates
from harness.leaderboard.row import Role, Row, row_of
from harness.metrics.uncertainty.scored_submission import ScoredSubmission


def standings(
    replicates: Sequence[Replicates],
    evidence: Mapping[Path, Evidence],
    terms: Terms,
) -> list[Row]:
    """Return the rows of all submissions and of ceiling and floor, ranked, in order.

    Parameters
    ----------
    replicates : sequence of Replicates
        One of each submission, keeping the terms.
    evidence : mapping
        Of the first replicate of each, by folder.
    terms : Terms
        Track and bank.
    """
    rows = [
        row_of(
            group.first,
            group.first.result.metrics,
            certified_epsilon=evidence[group.first.path].certified_epsilon,
            score_second_replicate=_second_score(group),
        )
        for group in replicates
    ]
    sides = {g.first.name: evidence[g.first.path].side for g in replicates}
    ranked = rank_rows([row for row in rows if row.role == Role.RANKED], sides)
    others = [row for row in rows if row.role != Role.RANKED]
    return in_order([*ranked, *others, *ceiling_and_floor(terms)])


def rank_rows(
    rows: Sequence[Row], sides: Mapping[str, ScoredSubmission | None]
) -> list[Row]:
    """Sort rows that take part in a ranking, and give each its rank.

    Parameters
    ----------
    rows : sequence of Row
        All with a score.
    sides : mapping
        For paired comparisons, by submission.
    """
    ordered = in_order(rows)
    ranks = shared_ranks(separably_better([sides[row.submission] for row in ordered]))
    return [replace(row, rank=rank) for row, rank in zip(ordered, ranks, strict=True)]


def in_order(rows: Sequence[Row]) -> list[Row]:
    """Sort rows: ranked, controls, unranked; then by private score, score and name.

    Scores count as they are shown, so that the order follows from the table alone.
    """
    return sorted(rows, key=_place)


def _place(row: Row) -> tuple[int, float, float, str]:
    return (
        list(Role).index(row.role),
        -_shown(row.private_score),
        -_shown(row.score),
        row.submission,
    )


def _shown(score: float | None) -> float:
    return -1.0 if score is None else round(score, DIGITS["score"])


def _second_score(group: Replicates) -> float | None:
    score = group.second and group.second.result.metrics.score
    return score.value if score else None
