"""The table on a terminal: aligned columns, and the sentences that go with it."""

import textwrap
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
from harness.leaderboard.safe_text import plain_text
from harness.leaderboard.stored import Refused

_WIDTH = 88


def terminal_table(cells: Sequence[Cells], refused: Sequence[Refused]) -> str:
    """Lay the table out as plain text.

    Parameters
    ----------
    cells : sequence of dict
        The CSV file's rows, in its order; their words are free of control characters.
    refused : sequence of Refused
        Results that have no place in the ranking, shown below with the reason.
    """
    parts = [_aligned(section) for section in sections(cells)]
    if refused:
        parts.append("Refused\n" + "\n".join(map(_refusal, refused)))
    sentences = (ranking_rule(cells), measured_on(cells), replicated(cells))
    parts += [textwrap.fill(sentence, _WIDTH) for sentence in sentences]
    return "\n\n".join(parts)


def _refusal(refused: Refused) -> str:
    words = f"{refused.submission} (seed {refused.seed}): {refused.reason}"
    return plain_text(words)


def _aligned(section: Section) -> str:
    columns = section.columns
    table = [list(columns.values())]
    table += [[shown(row, column) for column in columns] for row in section.rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    left = [column in WORDS for column in columns]
    lines = [
        "  ".join(
            cell.ljust(width) if to_left else cell.rjust(width)
            for cell, width, to_left in zip(line, widths, left, strict=True)
        ).rstrip()
        for line in table
    ]
    return "\n".join([section.heading, *lines] if section.heading else lines)
