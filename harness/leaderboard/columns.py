"""The columns of the CSV file: fixed names, order and number formats."""

from collections.abc import Sequence
from typing import Any

from harness.leaderboard.row import Row
from harness.leaderboard.safe_text import spreadsheet_text

#: Digits after the point of each number; columns that are not here are whole numbers
#: or words.
DIGITS = {
    "score": 6,
    "score_low": 6,
    "score_high": 6,
    "repeat_low": 6,
    "repeat_high": 6,
    "share_of_ceiling": 4,
    "forgetting_quality": 6,
    "ra_ratio": 4,
    "ta_ratio": 4,
    "efficiency_ratio": 4,
    "certified_epsilon": 4,
    "score_second_replicate": 6,
    "private_score": 6,
    "private_low": 6,
    "private_high": 6,
}
COLUMNS = (
    "rank",
    "submission",
    "title",
    "status",
    "score",
    "score_low",
    "score_high",
    "repeat_low",
    "repeat_high",
    "share_of_ceiling",
    "forgetting_quality",
    "ra_ratio",
    "ta_ratio",
    "efficiency_ratio",
    "certified_epsilon",
    "n_models",
    "isolation",
    "seed",
    "score_second_replicate",
    "reason",
    "flags",
    "submission_sha256",
    "role",
    "track",
    "bank",
)
#: Only where there is a private split.
PRIVATE = (
    "private_score",
    "private_low",
    "private_high",
    "private_rank",
    "shake_up",
)

#: A row as text: what the CSV file holds, and all that Markdown is made of.
Cells = dict[str, str]


def cells_of(rows: Sequence[Row], *, private: bool) -> list[Cells]:
    """Format rows.

    Parameters
    ----------
    rows : sequence of Row
        In the order of the table.
    private : bool
        Whether the columns of the private split are there.
    """
    columns = COLUMNS + PRIVATE if private else COLUMNS
    return [{c: _cell(c, getattr(row, c)) for c in columns} for row in rows]


def _cell(column: str, value: Any) -> str:
    if value is None:
        return ""
    if column in DIGITS:
        return f"{value:.{DIGITS[column]}f}"
    return spreadsheet_text(value) if isinstance(value, str) else str(value)
