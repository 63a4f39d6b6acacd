"""The board as a static site: pages that link to each other and need no server."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from markupsafe import Markup

from harness.errors import UsageError
from harness.leaderboard.board import Board
from harness.leaderboard.cells import Cells, parse_csv, records
from harness.leaderboard.columns import Role
from harness.leaderboard.drawn import (
    PAGE,
    cell_text,
    drawn_sections,
    names_of_score,
    number,
)
from harness.leaderboard.layout import sentences
from harness.leaderboard.pairs import PAIRS, all_pairs, pairs_page
from harness.leaderboard.planes import Point, plane
from harness.leaderboard.replicates import by_submission
from harness.leaderboard.stored import read_one
from harness.reference.parallel import Counter, delayed, work_through
from harness.results.report.figures import unique
from harness.results.report.material import Contents, Pictures
from harness.results.report.page import render, report_of
from harness.results.store import ResultFolder
from harness.scoring.reporting import Measured, forget_examples, measure_folder, paired
from harness.storage.files import write_atomic
from harness.tasks.base import Indices

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class SiteRequest:
    """Which `boards` go where, with the forget examples themselves or without.

    A `counter` hears how many pages are made.
    """

    boards: Path
    target: Path
    data_dir: Path | None = None
    pictures: bool = True
    n_jobs: int = 1
    counter: Counter | None = None


class TrackPage(NamedTuple):
    """A track's board on the first page, and what pages were written of it."""

    track: str
    rows: list[Cells]
    pages: int


def write_site(request: SiteRequest) -> list[TrackPage]:
    """Write the pages of all boards in a folder; return what was written.

    A page is a submission's report, or the difference of two rows that follow each
    other in the ranking; one more for each board has the differences of any two rows.

    Raises
    ------
    UsageError
        If there is no board.
    CheckFailed
        If a board's file is not what was written.
    """
    tracks = sorted(path.stem for path in request.boards.glob("*.csv"))
    if not tracks:
        raise UsageError(
            f"there is no leaderboard in {request.boards}; make it with: unlearn-eval "
            "leaderboard --update."
        )
    found = [_write_track(Board(request.boards, name), request) for name in tracks]
    names = sorted({row["submission"] for page in found for row in page.rows})
    by_name = [{row["submission"]: row for row in page.rows} for page in found]
    html = render(
        "site.html.j2",
        title="Leaderboards",
        tracks=found,
        names=sorted(names, key=lambda name: _best_first(name, by_name)),
        by_name=by_name,
        quote=quote,
    )
    write_atomic(request.target / PAGE, html)
    return found


def _best_first(
    name: str, by_name: Sequence[dict[str, Cells]]
) -> tuple[float, float, str]:
    """Sort by the best rank on any track, then by the best share of its ceiling."""
    cells = [rows[name] for rows in by_name if name in rows]
    ranks = [float(row["rank"] or "inf") for row in cells]
    shares = [row["calibrated_share"] or row["share_of_ceiling"] for row in cells]
    return min(ranks), -max(float(share or 0) for share in shares), name


def _write_track(board: Board, request: SiteRequest) -> TrackPage:
    table = parse_csv(board.texts()[0], board.csv.name)
    target = request.target / board.track
    pages = _write_submissions(board, table, request)
    compared = [
        name
        for row in records(table)
        if (name := row["submission"]) in pages
        and pages[name].measured.comparable.official is not None
    ]
    if len(compared) > 1:
        _write_pairs(target, [pages[name].measured for name in compared])
    ranked = {row["submission"] for row in _ranked(table)}
    neighbours = list(pairwise(name for name in compared if name in ranked))
    write = delayed(_write_difference)
    tasks = [write(target, pages[first], pages[next_]) for first, next_ in neighbours]
    work_through(tasks, 1, f"comparisons of {board.track}", request.counter)
    html = render(
        "board.html.j2",
        title=f"Leaderboard of {board.track}",
        track=board.track,
        sentences=sentences(table),
        any_row=records(table)[0],
        of_texts=any(page.measured.material.of_texts for page in pages.values()),
        sections=list(drawn_sections(table, set(pages))),
        planes=unique(list(_planes(table, _cap(pages.values())))),
        pairs=[(*both, quote(_pair(*both))) for both in neighbours],
        pairs_page=PAIRS if len(compared) > 1 else "",
        score=cell_text,
    )
    write_atomic(target / PAGE, html)
    rows = [row for row in records(table) if row["role"] != Role.CONTROL]
    n_pages = 1 + len(pages) + len(neighbours) + (len(compared) > 1)
    return TrackPage(board.track, rows, n_pages)


class _Page(NamedTuple):
    """What is kept of a submission's page for those that compare it."""

    measured: Measured
    pictures: Pictures


def _write_submissions(
    board: Board, table: "pd.DataFrame", request: SiteRequest
) -> dict[str, _Page]:
    """Write the report of each row that results back; all are of one forget set."""
    groups = by_submission(map(read_one, board.replicates()))
    listed = {row["submission"] for row in records(table)}
    folders = {g.first.name: ResultFolder(g.first.path) for g in groups}
    folders = {name: folder for name, folder in folders.items() if name in listed}
    if not folders:
        return {}
    whole = next((f for f in folders.values() if f.read().is_complete), None)
    pictures, places = forget_examples(
        whole or next(iter(folders.values())),
        board.track,
        request.data_dir,
        pictures=request.pictures,
    )
    write, target = delayed(_write_submission), request.target / board.track
    tasks = [
        write(folder, places, pictures, target / name / PAGE)
        for name, folder in folders.items()
    ]
    what = f"reports of {board.track}"
    measured = work_through(tasks, request.n_jobs, what, request.counter)
    return {
        name: _Page(each, pictures)
        for name, each in zip(folders, measured, strict=True)
    }


def _write_submission(
    folder: ResultFolder,
    places: tuple[Indices, Indices],
    pictures: Pictures,
    path: Path,
) -> Measured:
    measured = measure_folder(folder, places, compared=True)
    contents = Contents(
        materials=(measured.material,), pictures=pictures, home=f"../{PAGE}"
    )
    report_of(contents).write(path)
    return measured


def _write_pairs(target: Path, rows: Sequence[Measured]) -> None:
    materials = [each.material for each in rows]
    html = pairs_page(materials[0].result.provenance.track, materials, all_pairs(rows))
    write_atomic(target / PAIRS, html)


def _write_difference(target: Path, first: _Page, second: _Page) -> None:
    both = (first.measured, second.measured)
    names = [each.material.result.name for each in both]
    contents = Contents(
        materials=tuple(each.material for each in both),
        pictures=first.pictures,
        differences=paired(*both),
        home=f"../{PAGE}",
        pages=tuple(f"../{quote(name)}/{PAGE}" for name in names),
    )
    report_of(contents).write(target / _pair(*names) / PAGE)


def _pair(first: str, second: str) -> str:
    return f"{first}-against-{second}"


def _ranked(table: "pd.DataFrame") -> list[Cells]:
    return [row for row in records(table) if row["role"] == Role.RANKED]


def _cap(pages: Iterable[_Page]) -> float | None:
    """Return the largest cost allowed: the results are of one track."""
    costs = (each.measured.material.result.metrics.efficiency for each in pages)
    return next((cost.cap for cost in costs if cost is not None), None)


def _planes(table: "pd.DataFrame", cap: float | None) -> Iterator[Markup]:
    """Yield score against cost with the cap, and F against utility."""
    rows = _ranked(table)
    costs = [_point(row, row["efficiency_ratio"], names_of_score(row)) for row in rows]
    kind = "calibrated " if any(row["calibrated_score"] for row in rows) else ""
    yield plane(
        [p for p in costs if p],
        "cost, as a share of one retraining",
        f"{kind}score",
        cap=cap,
    )
    useful = []
    for row in rows:
        ratios = [number(row, name) for name in ("ra_ratio", "ta_ratio")]
        known = [ratio for ratio in ratios if ratio is not None]
        quality = "calibrated_forgetting_quality"
        quality = quality if row[quality] else "forgetting_quality"
        if len(known) == 2:
            product = str(known[0] * known[1])
            useful.append(_point(row, product, (quality, quality, quality)))
    yield plane(
        [p for p in useful if p], "utility, RA × TA (1: as retraining)", f"{kind}F"
    )


def _point(row: Cells, across: str, names: tuple[str, str, str]) -> Point | None:
    value, low, high = (number(row, name) for name in names)
    if value is None or not across:
        return None
    ends = (value if end is None else end for end in (low, high))
    return Point(row["submission"], float(across), value, *ends)
