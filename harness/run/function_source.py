"""A submission's source from a function that lives in a notebook or a session."""

import inspect
import symtable
import sys
import sysconfig
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from harness.errors import UsageError

_PLAIN = (int, float, complex, str, bytes, bool, type(None))


def source_of(function: Callable[..., Any]) -> str:
    """Write the file that defines a function as ``unlearning``.

    What the function refers to comes along: imported modules and names, plain values,
    and functions and classes whose source can be read. An open file, a network or a
    variable of an outer function cannot be written down and is a `UsageError`.
    """
    gathered = _Gathered()
    gathered.add(function.__name__, function)
    batches = getattr(function, "__globals__", {}).get("BATCHES")
    if isinstance(batches, str):  # Nothing refers to it, and it counts all the same.
        gathered.add("BATCHES", batches)
    lines = [*gathered.imports, "", *gathered.parts]
    if function.__name__ != "unlearning":
        lines.append(f"unlearning = {function.__name__}\n")
    return "\n".join(lines)


class _Gathered:
    """Imports and definitions in an order in which each finds what it needs."""

    def __init__(self) -> None:
        self.imports: list[str] = []
        self.parts: list[str] = []
        self._seen: set[str] = set()

    def add(self, name: str, value: object) -> None:
        """Take in what a name stands for, after all that it needs itself."""
        if name in self._seen:
            return
        self._seen.add(name)
        if isinstance(value, ModuleType):
            self.imports.append(f"import {value.__name__} as {name}")
        elif _is_plain(value):
            self.parts.append(f"{name} = {value!r}\n")
        elif isinstance(value, FunctionType | type) and _is_local(value):
            self._define(name, value)
        elif importable := _import_of(name, value):
            self.imports.append(importable)
        else:
            raise UsageError(
                f"the function refers to {name} ({type(value).__name__}), which cannot "
                "be written into a submission; make it inside the function, or score "
                "a .py file."
            )

    def _define(self, name: str, value: FunctionType | type) -> None:
        source = _read(value)
        if isinstance(value, FunctionType):
            if value.__closure__:
                names = ", ".join(value.__code__.co_freevars)
                raise UsageError(
                    f"{name} uses {names} of an outer function; pass it as a default "
                    "of a parameter, or define it at the top."
                )
            known = value.__globals__
        else:
            known = vars(sys.modules[value.__module__])
        for used in _names(source):
            if used in known and used != name:
                self.add(used, known[used])
        self.parts.append(source)
        if value.__name__ != name:
            self.parts.append(f"{name} = {value.__name__}\n")


def _read(value: FunctionType | type) -> str:
    try:
        return textwrap.dedent(inspect.getsource(value))
    except (OSError, TypeError):
        raise UsageError(
            f"the source of {value.__name__} cannot be read; score a .py file instead."
        ) from None


def _names(source: str) -> list[str]:
    """Names of the module around it that a definition refers to, sorted."""
    module = symtable.symtable(source, "<submission>", "exec")
    found = {symbol.get_name() for symbol in module.get_symbols()}
    scopes = list(module.get_children())
    while scopes:
        scope = scopes.pop()
        found |= {s.get_name() for s in scope.get_symbols() if s.is_global()}
        scopes += scope.get_children()
    return sorted(found)


def _is_local(value: FunctionType | type) -> bool:
    """Whether its definition must come along, for no installed module has it."""
    module = sys.modules.get(value.__module__)
    file = getattr(module, "__file__", None)
    if module is None or value.__module__ == "__main__":
        return True
    if file is None:
        return False
    installed = (sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
    return not any(Path(file).is_relative_to(folder) for folder in installed)


def _import_of(name: str, value: object) -> str:
    """Return the line that imports a value of an installed module, or nothing."""
    module = getattr(value, "__module__", None)
    original = getattr(value, "__name__", "")
    if not module or not original.isidentifier():
        return ""
    return f"from {module} import {original} as {name}"


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | list | set | frozenset):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, (*value, *value.values())))
    return isinstance(value, _PLAIN)
