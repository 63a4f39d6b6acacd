"""A submission in a notebook: the cells that count, as one file."""

import ast
import json
import re
from typing import Any, NamedTuple

from harness.plain_text import harmless
from harness.run.needs import UNREADABLE, Statement, needed_for, statements_of

LARGEST_NOTEBOOK = 8 << 20
#: What counts though nothing refers to it.
_CONSTANTS = ("NAME", "AUTHORS", "URL", "BATCHES")
_CELL_MAGIC = re.compile(r"\s*%%(\w+)[^\n]*\n?")
#: Cell magics whose cell is Python all the same.
_PYTHON = ("time", "timeit", "capture", "prun", "memit")
#: A line of IPython's, less its indent: a magic, a shell command, its result, a
#: question. No two parts of it fit the same letters, so that a long line costs no time.
_MAGIC = re.compile(r"[%!?]|[\w.]+\?{1,2}\s*$|\w[\w, ]*=\s*[%!]")


class Notebook(NamedTuple):
    """A submission's source, what it was put together from, or all code instead.

    Where nothing defines ``unlearning`` the `source` is the code of all cells.
    """

    source: str
    notes: tuple[str, ...] = ()


def read_notebook(content: bytes, name: str, largest: int) -> Notebook:
    """Put the source of a submission together; a ValueError says why it cannot be.

    All cells have at most `largest` letters of code.
    """
    try:
        cells = _cells(json.loads(content))
    except (RecursionError, KeyError, TypeError, AttributeError, ValueError) as error:
        words = harmless(error, 100) if isinstance(error, ValueError) else "its form"
        raise ValueError(f"{name} is no sound notebook: {words}.") from None
    if sum(map(len, cells)) > largest:
        raise ValueError(f"{name} has more than {largest // 1024} KiB of code.")
    statements, odd = list[Statement](), list[int]()
    for number, cell in enumerate(cells, 1):
        try:
            statements += statements_of(number, python_of(cell))
        except UNREADABLE:
            odd.append(number)
    needed = needed_for("unlearning", statements, _CONSTANTS)
    left_out = f"{_listed(odd)} cannot be read as Python and left out" if odd else ""
    if needed is None:
        texts = [each.text for each in statements]
        return Notebook("\n".join(texts), (f"{name}: {left_out}.",) if odd else ())
    notes = [_found(name, needed.statements)]
    if odd and needed.missing:
        notes.append(f"{name}: {left_out}.")
    if needed.missing:
        names = harmless(", ".join(needed.missing), 200)
        notes.append(f"{name}: nothing in it defines {names}.")
    return Notebook(_file(needed.statements), tuple(notes))


def _cells(notebook: Any) -> list[str]:
    """List the code of a notebook, of format 4 or 3."""
    if "worksheets" in notebook:
        cells = [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
    else:
        cells = notebook["cells"]
    found = []
    for cell in cells:
        if cell["cell_type"] == "code":
            code = cell["source"] if "source" in cell else cell["input"]
            text = code if isinstance(code, str) else "".join(code)
            text.encode()  # Half a letter is a ValueError.
            found.append(text)
    return found


def python_of(cell: str) -> str:
    """Leave out of a cell what is IPython's and not Python's."""
    magic = _CELL_MAGIC.match(cell)
    if magic:
        cell = "\n" + cell[magic.end() :] if magic[1] in _PYTHON else ""
    try:
        ast.parse(cell)
    except UNREADABLE:
        return _without_magics(cell)
    return cell


def _without_magics(cell: str) -> str:
    lines, goes_on = [], False
    for line in cell.splitlines():
        magic = _MAGIC.match(line.lstrip())
        if goes_on or magic:
            goes_on = line.rstrip().endswith("\\")
            indent = line[: len(line) - len(line.lstrip())]
            line = f"{indent}pass" if magic else ""  # noqa: PLW2901
        lines.append(line)
    return "\n".join(lines)


def _file(statements: tuple[Statement, ...]) -> str:
    """Write statements as a file that says which cell each is of."""
    first = [each for each in statements if _is_future(each)]
    lines, cell = [each.text for each in first], 0
    for each in statements:
        if each.cell != cell:
            cell = each.cell
            lines.append(f"\n# Code cell {cell}.")
        if not _is_future(each):
            lines.append(each.text)
    return "\n".join(lines).lstrip("\n") + "\n"


def _is_future(statement: Statement) -> bool:
    node = statement.node
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _found(name: str, statements: tuple[Statement, ...]) -> str:
    """Say which cell counts, and what comes along from which others."""
    (last,) = [each.cell for each in statements if "unlearning" in each.binds][-1:]
    others = sorted({each.cell for each in statements} - {last})
    words = f"{name}: unlearning is defined in code cell {last}"
    if not others:
        return f"{words}, which needs no other."
    return f"{words}; with it goes what it needs of {_listed(others)}."


def _listed(cells: list[int]) -> str:
    numbers = [str(cell) for cell in cells[:20]] + (["…"] if len(cells) > 20 else [])
    *most, last = numbers
    kind = "code cells" if most else "code cell"
    return f"{kind} {', '.join(most)} and {last}" if most else f"{kind} {last}"
