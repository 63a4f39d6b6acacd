"""The table for people: Markdown, generated from the cells of the CSV file alone."""

import re
from typing import TYPE_CHECKING

from harness.leaderboard.cells import Cells
from harness.leaderboard.columns import one_line
from harness.leaderboard.layout import Heading, Section, sections, sentences

if TYPE_CHECKING:
    import pandas as pd

_MARKUP = re.compile(r"([\\`*_\[\]<>|~&$#!{}])")


def markdown_text(words: str) -> str:
    """Return one line that stands in a Markdown table as the very same letters.

    No markup, HTML, cell border or link comes of it, nor one that GitHub would make of
    a bare address.
    """
    escaped = _MARKUP.sub(r"\\\1", one_line(words))
    return escaped.replace("://", "\\://").replace("www.", "www\\.")


def markdown_table(table: "pd.DataFrame", track: str) -> str:
    """Write the whole page of a track, ending in a newline."""
    name = markdown_text(track)
    parts = [f"# Leaderboard of {name}", *sentences(table)]
    for section in sections(table):
        if section.title:
            parts.append(f"## {section.title}")
        parts.append(_table(section))
    parts.append(
        f"Generated from {name}.csv by `unlearn-eval leaderboard --update`; "
        "`unlearn-eval leaderboard --check` computes every figure again from the "
        "stored arrays."
    )
    return "\n\n".join(parts) + "\n"


def _table(section: Section) -> str:
    headings = section.headings
    lines = [
        [heading.words for heading in headings],
        [":--" if heading.column.is_text else "--:" for heading in headings],
        *([_cell(row, heading) for heading in headings] for row in section.rows),
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(row: Cells, heading: Heading) -> str:
    words = markdown_text(heading.column.text(row))
    title = markdown_text(row["title"])
    if heading.column.name == "submission" and title and title != words:
        return f"{title} ({words})"
    return words
