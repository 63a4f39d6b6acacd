"""Any two rows of a board against each other, on one page."""

import shlex
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple
from urllib.parse import quote

from harness.leaderboard.drawn import PAGE
from harness.metrics.uncertainty.paired import PairedDifference
from harness.results.report.material import Material
from harness.results.report.page import render
from harness.results.report.sections import title_of, verdict
from harness.scoring.reporting import Measured, paired

PAIRS = "compare.html"


class Choice(NamedTuple):
    """A row to choose: what is said of its score, and ε of each example.

    Its `name` is as a shell takes it.
    """

    name: str
    title: str
    page: str
    says: str
    epsilon: str


class Pair(NamedTuple):
    """Two rows by their places, and their differences, first that which ranks."""

    places: tuple[int, int]
    differences: tuple[PairedDifference, ...]


def all_pairs(rows: Sequence[Measured]) -> list[Pair]:
    """Compare each with each: all are measured, and a pair takes some milliseconds."""
    places = combinations(range(len(rows)), 2)
    return [Pair((i, j), paired(rows[i], rows[j])) for i, j in places]


def pairs_page(track: str, rows: Sequence[Material], pairs: Sequence[Pair]) -> str:
    """Lay out the differences, and what a script needs to draw any of them."""
    return render(
        "compare.html.j2",
        title=f"Any two rows of {track}",
        track=track,
        choices=[_choice(each) for each in rows],
        pairs=pairs,
    )


def _choice(row: Material) -> Choice:
    result, known = row.result, row.confidences
    epsilon: list[float] = [] if known is None else known.epsilon.round(2).tolist()
    return Choice(
        name=shlex.quote(result.name),
        title=title_of(result),
        page=f"{quote(result.name)}/{PAGE}",
        says=verdict(result),
        epsilon=" ".join(f"{value:g}" for value in epsilon),
    )
