"""Compute every committed figure of a board again, and compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import CheckFailed
from harness.leaderboard.board import Board
from harness.leaderboard.columns import Cells, cells_of
from harness.leaderboard.csv_table import csv_text, parse_csv
from harness.leaderboard.drift import (
    Difference,
    figure_differences,
    n_figures,
    table_differences,
    text_differences,
)
from harness.leaderboard.eligibility import Terms
from harness.leaderboard.evidence import Evidence, Figures, gather
from harness.leaderboard.markdown import markdown_table
from harness.leaderboard.private_split import committed_standings, with_private
from harness.leaderboard.replicates import by_submission
from harness.leaderboard.standings import standings
from harness.leaderboard.stored import Entry
from harness.leaderboard.table import Request, private_ranking
from harness.results.schema import Result
from harness.results.serialization import JsonObject

#: Differences that an error lists; one bad result brings dozens.
_LISTED = 40


@dataclass(frozen=True)
class Check:
    """What a check found.

    Attributes
    ----------
    rows, results, figures : int
        How many were computed again: rows of the table, backing results, and single
        values of table and results.
    differences : tuple of Difference
        What is not as committed; empty if all is well.
    private : str
        ``"none"``, ``"checked"``, or ``"unchecked"`` where there are private columns
        but their split was not given.
    """

    rows: int
    results: int
    figures: int
    differences: tuple[Difference, ...]
    private: str

    @property
    def ok(self) -> bool:
        """Whether all is as committed."""
        return not self.differences

    def to_dict(self) -> dict[str, Any]:
        """Return the documented JSON object."""
        return {
            "ok": self.ok,
            "rows": self.rows,
            "results": self.results,
            "figures": self.figures,
            "private_columns": self.private,
            "differences": [each._asdict() for each in self.differences],
        }


def check_board(board: Board, request: Request) -> Check:
    """Compute all figures of a board from its stored arrays, and compare.

    Parameters
    ----------
    board : Board
    request : Request
        Its folder of results is only looked at for a private split, whose results no
        board holds.

    Raises
    ------
    UsageError
        If there is no board, or the bank is not here.
    CheckFailed
        If a backing file is damaged, missing, or of another track, bank or N.
    """
    table_text, page = board.texts()
    committed = parse_csv(table_text, board.csv.name)
    private = board.has_private_columns()
    terms = Terms.of(request.track)
    entries = board.entries(terms)
    evidence = gather(entries, terms, n_jobs=request.n_jobs, everything=True)
    found = [d for e in entries for d in _result_differences(e, evidence[e.path])]
    groups = by_submission(_recomputed(entries, evidence))
    rows = standings(groups, evidence, terms)
    if private:
        told = private_ranking(request) or committed_standings(committed)
        rows = with_private(rows, told)
    computed = cells_of(rows, private=private)
    found += _text_drift(board, committed, computed, (table_text, page))
    figures = sum(n_figures(_listed(evidence[entry.path].figures)) for entry in entries)
    figures += sum(len(row) for row in computed)
    checked = "checked" if request.private else "unchecked"
    return Check(
        rows=len(rows),
        results=len(entries),
        figures=figures,
        differences=tuple(found),
        private=checked if private else "none",
    )


def _recomputed(
    entries: Sequence[Entry], evidence: Mapping[Path, Evidence]
) -> list[Entry]:
    """Return the entries as their arrays say that they are."""
    return [
        replace(entry, result=_with_figures(entry.result, evidence[entry.path].figures))
        for entry in entries
    ]


def _with_figures(result: Result, figures: Figures | None) -> Result:
    if figures is None:
        raise AssertionError("gather(everything=True) leaves no figures out")
    return replace(
        result,
        status=figures.status,
        n_finished=figures.n_finished,
        metrics=figures.metrics,
    )


def _listed(figures: Figures | None) -> JsonObject | None:
    """Lay figures out as the result file has them, without what was not measured."""
    if figures is None:
        return None
    measured = {
        key: found
        for key, found in figures.metrics.to_dict().items()
        if found is not None
    }
    return {
        "status": str(figures.status),
        "n_finished": figures.n_finished,
        **measured,
    }


def _result_differences(entry: Entry, evidence: Evidence) -> list[Difference]:
    result = entry.result
    stored = _listed(Figures(result.status, result.n_finished, result.metrics))
    place = f"result {entry.name}, seed {entry.seed}: "
    found = figure_differences(stored, _listed(evidence.figures), "")
    return [each._replace(place=place + each.place[1:]) for each in found]


def _text_drift(
    board: Board,
    committed: Sequence[Cells],
    computed: Sequence[Cells],
    texts: tuple[str, str],
) -> list[Difference]:
    """Compare the two files of the table with what they should be."""
    table_text, page = texts
    found = table_differences(committed, computed)
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
        "arrays give; write the table again with unlearn-eval leaderboard --update, "
        "and where a result itself differs, score it again:\n" + "\n".join(listed)
    )
