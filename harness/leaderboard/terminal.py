"""The table on a terminal: aligned columns, and the sentences that go with it."""

import io
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.leaderboard.columns import one_line
from harness.leaderboard.layout import Section, sections, sentences
from harness.leaderboard.stored import Refused
from harness.plain_text import escape_controls

if TYPE_CHECKING:
    import pandas as pd

_WIDTH = 88
#: A table is as wide as its words: cut or broken in two they could not be compared.
_WIDEST = 10_000


def terminal_table(
    table: "pd.DataFrame", refused: Sequence[Refused], *, styled: bool = False
) -> str:
    """Lay out a table, and below it the results that have no place in the ranking.

    Plain text unless it is `styled`, for a terminal.
    """
    parts = [_aligned(section, styled) for section in sections(table)]
    if refused:
        reasons = [one_line(str(each)) for each in refused]
        parts.append("\n".join(["Refused", *reasons]))
    told = (textwrap.fill(sentence, _WIDTH) for sentence in sentences(table))
    parts += map(escape_controls, told)
    return "\n\n".join(parts)


def _aligned(section: Section, styled: bool) -> str:
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for heading in section.headings:
        grid.add_column(
            heading.words,
            justify="left" if heading.column.is_text else "right",
            no_wrap=True,
        )
    for row in section.rows:
        # Not as strings, in which a stranger's words could be markup.
        grid.add_row(*(Text(each.column.text(row)) for each in section.headings))
    console = Console(
        file=io.StringIO(),
        width=_WIDEST,
        color_system="standard" if styled else None,
        force_terminal=styled,
    )
    with console.capture() as lines:
        if section.title:
            console.print(Text(section.title, style="bold"))
        console.print(grid)
    return "\n".join(line.rstrip() for line in lines.get().splitlines())
