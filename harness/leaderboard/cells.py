"""The table as text: what the CSV file holds, and all that people see is made of."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.errors import CheckFailed
from harness.leaderboard.columns import Row, columns_of

if TYPE_CHECKING:
    import pandas as pd

#: A row of the CSV file.
Cells = dict[str, str]


def table_of(rows: Sequence[Row], *, private: bool) -> "pd.DataFrame":
    """Format rows, with or without the columns of the private split."""
    columns = columns_of(private=private)
    cells = [[column.cell(row) for column in columns] for row in rows]
    return _frame(cells, [column.name for column in columns])


def _frame(cells: Sequence[Sequence[str]], names: Sequence[str]) -> "pd.DataFrame":
    # Importing pandas takes a quarter of a second that no other command should wait.
    import pandas as pd  # noqa: PLC0415

    return pd.DataFrame(cells, columns=list(names), dtype=str)


def records(table: "pd.DataFrame") -> list[Cells]:
    """Return the rows, cell by column."""
    rows = table.itertuples(index=False, name=None)
    return [dict(zip(table.columns, row, strict=True)) for row in rows]


def csv_text(table: "pd.DataFrame") -> str:
    """Write a table as CSV with a header, each line ended by a newline alone."""
    return table.to_csv(index=False, lineterminator="\n")


def parse_csv(text: str, name: str) -> "pd.DataFrame":
    """Read what `csv_text` wrote; `name` is what a message calls it."""
    import pandas as pd  # noqa: PLC0415

    try:
        # The only parser of pandas that tells a missing cell from an empty one.
        found = pd.read_csv(
            io.StringIO(text),
            header=None,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            engine="python",
        )
    except ValueError as error:
        raise CheckFailed(_not_ours(name, f"it is no CSV table ({error})")) from None
    header, *rows = found.itertuples(index=False, name=None)
    allowed = [[c.name for c in columns_of(private=p)] for p in (False, True)]
    if list(header) not in allowed:
        raise CheckFailed(_not_ours(name, "it has other columns"))
    for number, row in enumerate(rows, start=1):
        n_cells = sum(isinstance(cell, str) for cell in row)
        if n_cells != len(header):
            why = f"row {number} has {n_cells} cells, not {len(header)}"
            raise CheckFailed(_not_ours(name, why))
    return _frame(rows, header)


def _not_ours(name: str, why: str) -> str:
    return (
        f"{name} is not as it was generated: {why}; write it again with: "
        "unlearn-eval leaderboard --update."
    )
