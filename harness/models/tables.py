"""Models as a table: a row each, their accuracies in the place of their outputs."""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from harness.models.outputs import SETS, ModelOutputs
from harness.models.records import ModelRecord, R, stack

if TYPE_CHECKING:
    import pandas as pd

_ACCURACIES = tuple(f"{of}_accuracy" for of in SETS)
_ORIGINAL = "original"


def table_of(records: Sequence[ModelRecord]) -> "pd.DataFrame":
    """Lay out models, columns in the order of their fields."""
    import pandas as pd  # noqa: PLC0415 - half a second

    outputs, optional = stack(records), records[0].optional()
    columns: dict[str, Any] = {}
    for each in fields(records[0]):
        if each.name != "outputs":
            values = [_cell(getattr(record, each.name)) for record in records]
            if each.name not in optional or any(values):
                columns[each.name] = values
        else:
            known = {name: getattr(outputs, name) for name in (*_ACCURACIES, _ORIGINAL)}
            columns |= {name: a for name, a in known.items() if a is not None}
    return pd.DataFrame(columns)


def from_table(
    kind: type[R], table: "pd.DataFrame", confidences: Mapping[str, ArrayLike]
) -> list[R]:
    """Read what `table_of` laid out, and the confidences of the same models.

    Raises
    ------
    KeyError, ValueError, UsageError
        If columns are missing, or they do not fit together.
    """
    known = {name: table[name].to_numpy() for name in _ACCURACIES}
    if _ORIGINAL in table:
        known[_ORIGINAL] = table[_ORIGINAL].to_numpy()
    outputs = ModelOutputs(**confidences, **known)  # type: ignore[arg-type]
    absent = kind.optional() - set(table)
    names = [name for name in kind.columns() if name not in absent]
    columns = {name: table[name].tolist() for name in names}
    return [
        kind(
            outputs=outputs.take([position]),
            **{name: column[position] for name, column in columns.items()},
        )
        for position in range(len(outputs))
    ]


def csv_of(table: "pd.DataFrame") -> str:
    """Write a table as text, each number with all its digits."""
    return str(table.to_csv(index=False, lineterminator="\n"))


def read_csv(kind: type[ModelRecord], text: str) -> "pd.DataFrame":
    """Read a table of models.

    Raises
    ------
    ValueError
        If it is damaged, or a cell is empty or no finite number.
    """
    import pandas as pd  # noqa: PLC0415 - half a second

    kinds = {**kind.columns(), **dict.fromkeys(_ACCURACIES, float), _ORIGINAL: int}
    converters = {name: _CONVERTERS.get(k, _several) for name, k in kinds.items()}
    table = pd.read_csv(io.StringIO(text), converters=converters)
    if table.isna().any(axis=None):
        raise ValueError("a row is too short")
    return table


def _cell(value: object) -> object:
    """Write several numbers into one cell."""
    return " ".join(map(repr, value)) if isinstance(value, tuple) else value


def _several(text: str) -> tuple[float, ...]:
    return tuple(map(_finite, text.split()))


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


def _whole(text: str) -> int:
    if text.isdecimal():
        return int(text)
    # Earlier versions wrote some whole numbers with a point.
    number = _finite(text)
    if not number.is_integer():
        raise ValueError(f"{text} is not a whole number")
    return int(number)


_CONVERTERS: dict[type, Callable[[str], Any]] = {
    int: _whole,
    float: _finite,
    str: str,
}
