"""Where what is committed differs from what is computed."""

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple, TypeGuard

from harness.leaderboard.cells import Cells
from harness.plain_text import harmless
from harness.results.serialization import Json

#: Another processor may round the last digits of a logarithm differently.
_RELATIVE, _ABSOLUTE = 1e-9, 1e-12
_ABSENT = "nothing"
_LONGEST = 300


class Difference(NamedTuple):
    """One figure that is not what it should be."""

    place: str
    committed: str
    computed: str

    def __str__(self) -> str:
        place, committed, computed = self.shown()
        return f"{place}: committed {committed}, computed {computed}"

    def shown(self) -> "Difference":
        """Return it with a stranger's words made safe to quote."""
        return Difference(*(harmless(each, _LONGEST) for each in self))


def figure_differences(committed: Json, computed: Json, place: str) -> list[Difference]:
    """Compare two JSON values that stand in one place, numbers to nine digits."""
    if isinstance(committed, dict) and isinstance(computed, dict):
        keys = list(dict.fromkeys([*computed, *committed]))
        return [
            difference
            for key in keys
            for difference in figure_differences(
                committed.get(key, _ABSENT),
                computed.get(key, _ABSENT),
                f"{place}.{key}",
            )
        ]
    if isinstance(committed, list) and isinstance(computed, list):
        pairs = zip_longest(committed, computed, fillvalue=_ABSENT)
        return [
            difference
            for index, pair in enumerate(pairs)
            for difference in figure_differences(*pair, f"{place}[{index}]")
        ]
    if _same(committed, computed):
        return []
    return [Difference(place, str(committed), str(computed))]


def _same(committed: Json, computed: Json) -> bool:
    if _is_number(committed) and _is_number(computed):
        return math.isclose(committed, computed, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
    return type(committed) is type(computed) and bool(committed == computed)


def _is_number(value: Json) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def n_figures(value: Json) -> int:
    """Count the values that `figure_differences` compares."""
    if isinstance(value, dict):
        return sum(map(n_figures, value.values()))
    if isinstance(value, list):
        return sum(map(n_figures, value))
    return 1


def table_differences(
    committed: Sequence[Cells], computed: Sequence[Cells]
) -> list[Difference]:
    """Compare two tables cell by cell, rows by the submission's name."""
    names = [row["submission"] for row in committed]
    found = [
        Difference(f"row {name}", f"{names.count(name)} times", "once")
        for name in sorted(set(names))
        if names.count(name) > 1
    ]
    ours = {row["submission"]: row for row in committed}
    theirs = {row["submission"]: row for row in computed}
    for name in dict.fromkeys([*theirs, *ours]):
        found += _row_differences(name, ours.get(name), theirs.get(name))
    if not found and names != list(theirs):
        found.append(Difference("order of rows", " ".join(names), " ".join(theirs)))
    return found


def _row_differences(
    name: str, committed: Cells | None, computed: Cells | None
) -> list[Difference]:
    if committed is None or computed is None:
        words = ("a row", _ABSENT) if computed is None else (_ABSENT, "a row")
        return [Difference(f"row {name}", *words)]
    columns = dict.fromkeys([*computed, *committed])
    return [
        Difference(f"row {name}, column {column}", *map(_quoted, pair))
        for column in columns
        if len(set(pair := (committed.get(column), computed.get(column)))) > 1
    ]


def _quoted(cell: str | None) -> str:
    """Show a cell; an empty one and a missing one must be seen."""
    return _ABSENT if cell is None else cell or "(empty)"


def text_differences(committed: str, computed: str, name: str) -> list[Difference]:
    """Compare two texts line by line."""
    pairs = zip_longest(committed.split("\n"), computed.split("\n"), fillvalue=_ABSENT)
    return [
        Difference(f"{name}, line {number}", repr(ours), repr(theirs))
        for number, (ours, theirs) in enumerate(pairs, start=1)
        if ours != theirs
    ]
