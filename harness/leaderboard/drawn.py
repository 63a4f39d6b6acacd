"""The table with its intervals drawn, for a site and for notebooks."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from harness.leaderboard.cells import Cells, records
from harness.leaderboard.columns import Column
from harness.leaderboard.controls import CEILING
from harness.leaderboard.layout import Section, sections
from harness.results.report.page import render
from harness.results.report.strips import Scale, Strip

if TYPE_CHECKING:
    import pandas as pd

PAGE = "index.html"
_SCORES = ("calibrated_score", "calibrated_low", "calibrated_high")
_OFFICIAL = ("score", "score_low", "score_high")


class Drawn(NamedTuple):
    """A row of the table: its cells in words, as they sort, and its interval."""

    cells: Cells
    page: str
    strip: Strip | None


def html_table(table: "pd.DataFrame", refused: Sequence[object]) -> str:
    """Return a table for a notebook, and below it what was refused."""
    found = list(drawn_sections(table, set()))
    told = [str(each) for each in refused]
    return render("table.html.j2", sections=found, refused=told, score=cell_text)


def drawn_sections(
    table: "pd.DataFrame", pages: set[str]
) -> Iterator[tuple[Section, list[Drawn]]]:
    """Yield the table's parts, intervals drawn on one scale with the ceiling's mark."""
    known = records(table)
    found = [[number(row, name) for name in names_of_score(row)] for row in known]
    top = next((row for row in known if row["submission"] == CEILING), None)
    scale = Scale.around([0.0, *(value for row in found for value in row)])
    for section in sections(table):
        rows = []
        for row in section.rows:
            names = names_of_score(row)
            value, low, high = (number(row, name) for name in names)
            mark = None if top is None else number(top, names[0])
            name = row["submission"]
            page = f"{quote(name)}/{PAGE}" if name in pages else ""
            strip = None if value is None else scale.strip(value, low, high, mark)
            rows.append(Drawn(row, page, strip))
        yield section, rows


def names_of_score(row: Cells) -> tuple[str, str, str]:
    """Name the columns of the score that ranks."""
    return _SCORES if row["calibrated_score"] else _OFFICIAL


def number(row: Cells, name: str) -> float | None:
    """Read a cell; None where it is empty."""
    return float(row[name]) if row[name] else None


def cell_text(column: Column, row: Cells) -> str:
    """Write a cell as people see it: what a template calls."""
    return column.text(row)
