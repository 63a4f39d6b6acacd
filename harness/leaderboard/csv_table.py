"""The CSV file of a board: the source that Markdown is generated from."""

import csv
import io
from collections.abc import Sequence

from harness.errors import CheckFailed
from harness.leaderboard.columns import COLUMNS, PRIVATE, Cells


def csv_text(cells: Sequence[Cells]) -> str:
    """Write rows as CSV with a header, each line ended by a newline alone."""
    buffer = io.StringIO()
    columns = list(cells[0]) if cells else list(COLUMNS)
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells)
    return buffer.getvalue()


def parse_csv(text: str, name: str) -> list[Cells]:
    """Read what `csv_text` wrote.

    Parameters
    ----------
    text : str
        The file.
    name : str
        What to call it in a message.

    Raises
    ------
    CheckFailed
        If it has other columns, or a row has more or fewer cells than the header.
    """
    try:
        header, *rows = list(csv.reader(io.StringIO(text), strict=True))
    except (csv.Error, ValueError) as error:
        raise CheckFailed(_not_ours(name, f"it is no CSV table ({error})")) from None
    if tuple(header) not in (COLUMNS, COLUMNS + PRIVATE):
        raise CheckFailed(_not_ours(name, "it has other columns"))
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            why = f"row {number} has {len(row)} cells, not {len(header)}"
            raise CheckFailed(_not_ours(name, why))
    return [dict(zip(header, row, strict=True)) for row in rows]


def _not_ours(name: str, why: str) -> str:
    return (
        f"{name} is not as it was generated: {why}; write it again with: "
        "unlearn-eval leaderboard --update."
    )
