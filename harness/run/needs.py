"""What of a notebook one function needs, found by reading and never by running.

A notebook also downloads, trains, plots and calls; a run is to do none of that. So
single statements are taken, and not whole cells: those that bind a name that the
function refers to, and what these refer to in their turn.
"""

import ast
import builtins
import symtable
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

#: What reading a stranger's code may raise.
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
_KNOWN = {*dir(builtins), "__name__", "__file__", "__doc__"}
_AT_ONCE = ("listcomp", "setcomp", "dictcomp", "genexpr")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)
#: What may leave a name as it was before.
_CONDITIONAL = (ast.If, ast.For, ast.While, ast.Try, ast.Match, ast.AugAssign)


class Statement(NamedTuple):
    """A statement of a cell, and the names it has to do with.

    It reads `now` when it runs, and `later` when what it defines is called; it changes
    the object that is called `touches`.
    """

    cell: int
    text: str
    node: ast.stmt
    binds: frozenset[str]
    now: frozenset[str]
    later: frozenset[str]
    touches: str


class Needed(NamedTuple):
    """Statements in their order, and names that the notebook does not define."""

    statements: tuple[Statement, ...]
    missing: tuple[str, ...]


def statements_of(cell: int, source: str) -> Iterator[Statement]:
    """Take a cell apart; what cannot be read is one of `UNREADABLE`."""
    lines = source.encode().splitlines(keepends=True)
    for node in ast.parse(source).body:
        text = _text(node, lines)
        table = symtable.symtable(text, "<cell>", "exec")
        now, later = set[str](), set[str]()
        _read(table, now, later)
        binds = {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_assigned() or symbol.is_imported()
        }
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            binds.add("*")
        if isinstance(node, _CONDITIONAL):
            now |= binds
        sets = frozenset(binds), frozenset(now), frozenset(later)
        yield Statement(cell, text, node, *sets, _touched(node))


def _text(node: ast.stmt, lines: Sequence[bytes]) -> str:
    """Cut a statement out of a cell, with its decorators."""
    first, column = node.lineno, node.col_offset
    if isinstance(node, _DEFINITIONS) and node.decorator_list:
        first, column = min(each.lineno for each in node.decorator_list), 0
    last, end = node.end_lineno or first, node.end_col_offset
    if first == last:
        return lines[first - 1][column:end].decode()
    top, *middle = lines[first - 1 : last - 1]
    return b"".join([top[column:], *middle, lines[last - 1][:end]]).decode()


def _read(
    table: symtable.SymbolTable, now: set[str], later: set[str], called: bool = False
) -> None:
    """Sort the names of the notebook that a scope refers to by when it does."""
    is_module = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (is_module or symbol.is_global()):
            (later if called else now).add(symbol.get_name())
    for child in table.get_children():
        deferred = child.get_type() == "function" and child.get_name() not in _AT_ONCE
        _read(child, now, later, called or deferred)


def _touched(node: ast.stmt) -> str:
    """Name the object that a statement changes in place, as far as that is seen."""
    target: ast.AST | None = None
    if isinstance(node, ast.Assign):
        target = node.targets[0]
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        target = node.target
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        target = node.value.func
    if not isinstance(target, ast.Attribute | ast.Subscript):
        return ""
    while isinstance(target, ast.Attribute | ast.Subscript):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""


def needed_for(
    name: str, statements: Sequence[Statement], constants: Iterable[str] = ()
) -> Needed | None:
    """Find what the last definition of a name needs; None without a definition.

    Plain `constants` come along though nothing refers to them.
    """
    return _Search(name, statements).of(constants)


class _Search:
    """The statements found so far, by their places in the notebook."""

    def __init__(self, wanted: str, statements: Sequence[Statement]) -> None:
        self._wanted, self._all = wanted, statements
        self._by_name: dict[str, list[int]] = {}
        for place, statement in enumerate(statements):
            # What calls the function, to try it out, defines nothing that it needs.
            if wanted in statement.binds or wanted not in statement.now:
                for name in statement.binds:
                    self._by_name.setdefault(name, []).append(place)
        self._found: set[int] = set()
        self._missing: set[str] = set()

    def of(self, constants: Iterable[str]) -> Needed | None:
        """Follow the names from the last definition on."""
        if self._wanted not in self._by_name:
            return None
        self._last = self._by_name[self._wanted][-1]
        self._follow([self._last])
        for constant in constants:
            self._follow(
                place
                for place in self._by_name.get(constant, [])[-1:]
                if isinstance(getattr(self._all[place].node, "value", 0), ast.Constant)
            )
        self._follow(self._touching())
        chosen = [self._all[place] for place in sorted(self._found)]
        return Needed(tuple(chosen), tuple(sorted(self._missing)))

    def _follow(self, places: Iterable[int]) -> None:
        todo = list(places)
        while todo:
            place = todo.pop()
            if place in self._found:
                continue
            self._found.add(place)
            statement = self._all[place]
            for name in statement.now:
                todo += self._binding(name, place)
            for name in statement.later:
                todo += self._binding(name, max(place, self._last) + 1)

    def _binding(self, name: str, end: int) -> list[int]:
        """Find what binds a name, as the last before a place, or else after it."""
        places = self._by_name.get(name, [])
        if places:
            return [places[max(0, bisect_left(places, end) - 1)]]
        if name not in _KNOWN and "*" not in self._by_name:
            self._missing.add(name)
        return [] if name in _KNOWN else self._by_name.get("*", [])

    def _touching(self) -> list[int]:
        """Find what changes a needed object before the function can be called."""
        cell, places = self._all[self._last].cell, []
        for place, statement in enumerate(self._all):
            if statement.cell > cell or not statement.touches:
                continue
            bound = self._binding(statement.touches, place)
            kinds = {type(self._all[each].node) for each in bound}
            calls = isinstance(statement.node, ast.Expr)
            fixed = (*_IMPORTS, *_DEFINITIONS) if calls else _IMPORTS
            if kinds and self._found.issuperset(bound) and kinds.isdisjoint(fixed):
                places.append(place)
        return places
