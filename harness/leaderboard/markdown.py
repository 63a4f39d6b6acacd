"""The table for people: Markdown, generated from the cells of the CSV file alone."""

from collections.abc import Sequence

from harness.leaderboard.columns import Cells
from harness.leaderboard.layout import (
    WORDS,
    Section,
    measured_on,
    ranking_rule,
    replicated,
    sections,
    shown,
)
from harness.leaderboard.safe_text import markdown_text


def markdown_table(cells: Sequence[Cells], track: str) -> str:
    """Write the whole page, ending in a newline.

    Parameters
    ----------
    cells : sequence of dict
        The CSV file's rows, in its order.
    track : str
        The track's name, which is that of the file.
    """
    parts = [
        f"# Leaderboard of {markdown_text(track)}",
        ranking_rule(cells),
        measured_on(cells),
        replicated(cells),
    ]
    for section in sections(cells):
        if section.heading:
            parts.append(f"## {section.heading}")
        parts.append(_table(section))
    parts.append(
        f"Generated from {markdown_text(track)}.csv by `unlearn-eval leaderboard "
        "--update`; `unlearn-eval leaderboard --check` computes every figure again "
        "from the stored arrays."
    )
    return "\n\n".join(parts) + "\n"


def _table(section: Section) -> str:
    columns = section.columns
    lines = [
        list(columns.values()),
        [":--" if column in WORDS else "--:" for column in columns],
        *([_cell(row, column) for column in columns] for row in section.rows),
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(row: dict[str, str], column: str) -> str:
    words = markdown_text(shown(row, column))
    title = markdown_text(row["title"])
    if column == "submission" and title and title != words:
        return f"{title} ({words})"
    return words
