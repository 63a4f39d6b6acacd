"""The rows of a table in their order; those that cannot be told apart share a rank."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harness.leaderboard.columns import SCORE_DIGITS, Measured, Role, Row, row_of
from harness.leaderboard.controls import ceiling_and_floor
from harness.leaderboard.eligibility import Eligibility
from harness.leaderboard.evidence import EvidenceOf
from harness.leaderboard.replicates import Replicates
from harness.leaderboard.verified import Vouched
from harness.metrics.uncertainty.paired import difference_of
from harness.metrics.uncertainty.scored_submission import ScoredSubmission

RULE = (
    "A row's rank is 1 + the number of rows that are better than it by the paired "
    "95 % interval of the difference in calibrated score, over new models, new "
    "original models and new forget examples: each model of either kind is first "
    "calibrated on the test set, so that noise which anybody can remove from it earns "
    "nothing (docs/calibrated.md). The competition's own score and the rank by it, "
    "made in the same way, stand beside. Rows that cannot be told apart share a rank, "
    "and no row has a better rank than a row with a higher score. A row above the "
    "ceiling's interval takes no rank until a private split confirms it."
)


def standings(
    replicates: Sequence[Replicates],
    evidence: EvidenceOf,
    eligibility: Eligibility,
    known: Mapping[str, Vouched],
) -> list[Row]:
    """Return the rows of all submissions and of ceiling and floor, ranked, in order.

    What organizers vouch for is `known` by the submissions' names.
    """
    rows = ranked_rows(replicates, evidence, known)
    return in_order([*rows, *ceiling_and_floor(eligibility)])


def ranked_rows(
    replicates: Sequence[Replicates],
    evidence: EvidenceOf,
    known: Mapping[str, Vouched],
) -> list[Row]:
    """Return the rows of submissions in order, and their ranks where they have one."""
    rows = in_order(
        row_of(Measured(*r, evidence[r.first.path], known[r.first.name]))
        for r in replicates
    )
    told = {r.first.name: evidence[r.first.path] for r in replicates}
    ranked = [row for row in rows if row.role == Role.RANKED]
    ranks = _ranks(ranked, [told[row.submission].ranked for row in ranked])
    ranked.sort(key=lambda row: (-(row.score or 0.0), row.submission))
    official = _ranks(ranked, [told[row.submission].comparable for row in ranked])
    return [
        replace(
            row,
            rank=ranks.get(row.submission),
            official_rank=official.get(row.submission),
        )
        for row in rows
    ]


def _ranks(
    rows: Sequence[Row], comparable: Sequence[ScoredSubmission | None]
) -> dict[str, int]:
    """Return the ranks of rows that are in the order of what they are ranked by."""
    ranks = shared_ranks(separably_better(comparable))
    return dict(zip((row.submission for row in rows), ranks, strict=True))


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Sort rows: ranked, controls, unranked; then by private score, score and name.

    Scores count as they are shown, so that the order follows from the table alone.
    """
    return sorted(rows, key=_place)


def _place(row: Row) -> tuple[int, float, float, str]:
    private, public = (
        -1.0 if score is None else round(score, SCORE_DIGITS)
        for score in (row.private_score, row.ranked_score)
    )
    return list(Role).index(row.role), -private, -public, row.submission


def shared_ranks(better: NDArray[np.bool_]) -> list[int]:
    """Return the rank of each row, by whether i is ``better`` than j, ``[R, R]``.

    Being separable depends on both rows' noise, so that a noisy row may lose to fewer
    rows than a quiet one above it; the running maximum keeps the order of the scores,
    in which the rows must be, best first.
    """
    if len(better) == 0:
        return []
    return [int(r) for r in np.maximum.accumulate(1 + better.sum(axis=0))]


def separably_better(rows: Sequence[ScoredSubmission | None]) -> NDArray[np.bool_]:
    """Compare all pairs of rows, best score first, ``[R, R]``; see `shared_ranks`.

    None, with too few models for an interval, cannot be told apart from anything.
    """
    better = np.zeros((len(rows), len(rows)), dtype=np.bool_)
    for above, first in enumerate(rows):
        for below, second in enumerate(rows[above + 1 :], start=above + 1):
            if first is not None and second is not None:
                better[above, below] = _is_better(first, second)
    return better


def _is_better(first: ScoredSubmission, second: ScoredSubmission) -> bool:
    difference = difference_of(first, second, examples="drawn")
    return difference.separable and difference.difference > 0
