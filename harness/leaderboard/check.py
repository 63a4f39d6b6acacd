"""Compute every committed figure of a board again, and compare."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.errors import CheckFailed
from harness.leaderboard.board import Board
from harness.leaderboard.cells import csv_text, parse_csv, records, table_of
from harness.leaderboard.columns import Role, Row
from harness.leaderboard.drift import (
    Difference,
    figure_differences,
    n_figures,
    table_differences,
    text_differences,
)
from harness.leaderboard.eligibility import Eligibility
from harness.leaderboard.evidence import EvidenceOf, gather
from harness.leaderboard.layout import is_private
from harness.leaderboard.markdown import markdown_table
from harness.leaderboard.origin import (
    record_differences,
    seed_differences,
    source_differences,
)
from harness.leaderboard.private_split import committed_standings, with_private
from harness.leaderboard.ranking import standings
from harness.leaderboard.replicates import by_submission
from harness.leaderboard.stored import StoredResult
from harness.leaderboard.table import Request, private_standings
from harness.leaderboard.verified import SUBMITTER, vouched
from harness.metrics.literature.registry import shipped_names
from harness.results.schema import Result
from harness.results.serialization import JsonObject

if TYPE_CHECKING:
    import pandas as pd

#: Differences that an error lists; one bad result brings dozens.
_LISTED = 40


@dataclass(frozen=True)
class Check:
    """What a check found.

    How many rows, backing results and single values of both were computed again, and
    what is not as committed. Sources are ``"unchecked"`` where no submissions lie
    beside the board. Private columns are ``"none"``, ``"checked"``, or
    ``"unchecked"`` where their split was not given. The ranked rows `unverified` are
    those that no organizer has run again: nothing here says that they were run at all.
    """

    rows: int
    results: int
    figures: int
    differences: tuple[Difference, ...]
    private: str
    sources: str
    unverified: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether all is as committed."""
        return not self.differences

    def to_dict(self) -> dict[str, object]:
        """Return the documented JSON object."""
        return {
            "ok": self.ok,
            "rows": self.rows,
            "results": self.results,
            "figures": self.figures,
            "private_columns": self.private,
            "sources": self.sources,
            "unverified": list(self.unverified),
            "differences": [each.shown()._asdict() for each in self.differences],
        }


def check_board(board: Board, request: Request, secret: bytes = b"") -> Check:
    """Compute all figures of a board from its stored arrays, and compare.

    What a result says of its submission is compared with the file beside the board,
    if any lie there, and the seeds of its runs with those of the `secret` that it
    names. The folder of results in `request` is only looked at for a private split,
    whose results no board holds.

    Raises
    ------
    UsageError
        If there is no board, or the bank is not here.
    CheckFailed
        If a backing file is damaged, missing, or of another track, bank or N.
    """
    texts = board.texts()
    committed = parse_csv(texts[0], board.csv.name)
    eligibility = Eligibility.of(request.track)
    stored = board.results(eligibility)
    evidence = gather(
        stored,
        eligibility,
        n_jobs=request.n_jobs,
        everything=True,
        counter=request.counter,
    )
    fresh = [replace(s, result=evidence[s.path].result) for s in stored]
    rows = _rows(board, request, committed, fresh, (eligibility, evidence))
    computed = table_of(rows, private=is_private(committed))
    found = [d for pair in zip(stored, fresh, strict=True) for d in _drift(*pair)]
    sources = any(board.submissions.glob("*.py"))
    for each in stored:
        if sources:
            found += source_differences(each, board.submissions, request.track.name)
        found += seed_differences(each, request.track, secret)
    found += record_differences(board.backing, by_submission(stored))
    return Check(
        rows=len(rows),
        results=len(stored),
        figures=computed.size + sum(n_figures(_figures(each.result)) for each in fresh),
        differences=(*found, *_table_drift(board, committed, computed, texts)),
        private=_private_columns(request, committed),
        sources="checked" if sources else "unchecked",
        unverified=tuple(
            row.submission
            for row in rows
            if row.role == Role.RANKED and row.run_by == SUBMITTER
        ),
    )


def _rows(
    board: Board,
    request: Request,
    committed: "pd.DataFrame",
    fresh: Sequence[StoredResult],
    basis: tuple[Eligibility, EvidenceOf],
) -> list[Row]:
    eligibility, evidence = basis
    groups = by_submission(fresh)
    known = vouched(board.backing, groups)
    rows = standings(groups, evidence, eligibility, known)
    if not is_private(committed):
        return rows
    told = private_standings(request) or committed_standings(committed)
    return with_private(rows, told)


def _private_columns(request: Request, committed: "pd.DataFrame") -> str:
    if not is_private(committed):
        return "none"
    return "checked" if request.private else "unchecked"


def _drift(stored: StoredResult, fresh: StoredResult) -> list[Difference]:
    place = f"result {stored.name}, seed {stored.seed}: "
    found = figure_differences(_figures(stored.result), _figures(fresh.result), "")
    return [each._replace(place=place + each.place[1:]) for each in found]


def _figures(result: Result) -> JsonObject:
    """Return all that every machine computes again, as ``result.json`` has it.

    Not the metrics of packages that are installed here or were where it was scored.
    """
    shipped = [m for m in result.metrics.metrics if m.name in shipped_names()]
    measured = replace(result.metrics, metrics=tuple(shipped)).to_dict().items()
    told: JsonObject = {"status": str(result.status), "n_finished": result.n_finished}
    return {**told, **{key: value for key, value in measured if value is not None}}


def _table_drift(
    board: Board,
    committed: "pd.DataFrame",
    computed: "pd.DataFrame",
    texts: tuple[str, str],
) -> list[Difference]:
    """Compare the two files of the table with what they should be."""
    table_text, page = texts
    found = table_differences(records(committed), records(computed))
    if not found:
        found = text_differences(table_text, csv_text(computed), board.csv.name)
    wanted = markdown_table(computed, board.track)
    return found + text_differences(page, wanted, board.markdown.name)


def drift_error(check: Check, board: Board) -> CheckFailed:
    """Return the error that lists what has drifted."""
    listed = [f"  {each}" for each in check.differences[:_LISTED]]
    more = len(check.differences) - len(listed)
    if more:
        listed.append(f"  and {more} more (all with --json)")
    return CheckFailed(
        f"{len(check.differences)} figures of {board.csv} are not what the stored "
        "arrays and the submissions' files give; write the table again with "
        "unlearn-eval leaderboard --update, and where a result itself differs, score "
        "it again:\n" + "\n".join(listed)
    )
