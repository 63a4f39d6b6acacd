"""Pages whose figures a script writes and whose words a person does."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.storage.files import write_atomic

FIRST = "<!-- What follows is written by a script; edit what stands outside. -->"
LAST = "<!-- The script writes up to here. -->"


def figure(value: float | None, digits: int) -> str:
    """Write a number with a true minus sign; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    # Adding zero turns a minus zero into a zero.
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a Markdown table, the first column to the left, the others to the right.

    Parameters
    ----------
    header : sequence of str
    rows : iterable of sequences of str
        As many cells each as the header has.
    """
    rule = ["---", *["---:"] * (len(header) - 1)]
    lines = [header, rule, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_page(path: Path, title: str, figures: str) -> None:
    """Write the figures of a page, keeping the words around them.

    Parameters
    ----------
    path : Path
        A page with one pair of markers; made where there is none.
    title : str
        Of a new page.
    figures : str
        Markdown.

    Raises
    ------
    SystemExit
        If the page has no place for figures.
    """
    page = path.read_text() if path.exists() else f"# {title}\n\n{FIRST}\n{LAST}\n"
    before, first, rest = page.partition(FIRST)
    _, last, after = rest.partition(LAST)
    if not (first and last):
        raise SystemExit(
            f"{path} has no place for figures; put these two lines into it: {FIRST} "
            f"and {LAST}"
        )
    write_atomic(path, f"{before}{FIRST}\n\n{figures.strip()}\n\n{LAST}{after}")
