"""A function of the user's own code, named by its import path."""

import hashlib
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

from harness.errors import UsageError

#: Where each top-level module was imported from, and the digest of its code then.
_IMPORTED: dict[str, tuple[Path, str]] = {}


@dataclass(frozen=True)
class ImportedFunction:
    """``"package.module:function"``, of an installed package or beside the track."""

    module: str
    function: str
    top: ModuleSpec

    @classmethod
    def named(cls, path: str, folder: str) -> "ImportedFunction":
        """Find the code, first in the track's folder, without importing any of it."""
        module, _, function = path.partition(":")
        name = module.partition(".")[0]
        top = _find(name, folder)
        if top is None or not function.isidentifier():
            raise UsageError(
                f"network.name = {path!r} cannot be imported: there is no module "
                f"{name!r} beside the track's file or installed; "
                "write it as package.module:function."
            )
        return cls(module, function, top)

    @property
    def code(self) -> Path:
        """Folder of the top-level package, or the module's file."""
        if self.top.submodule_search_locations:
            return Path(next(iter(self.top.submodule_search_locations))).resolve()
        return Path(self.top.origin or "").resolve()

    @cached_property
    def digest(self) -> str:
        """First 12 hex digits over all Python files of the code."""
        code = self.code
        files = sorted(code.rglob("*.py")) if code.is_dir() else [code]
        total = hashlib.sha256()
        for path in files:
            name = path.relative_to(code).as_posix() if code.is_dir() else path.name
            total.update(f"{name}\n".encode() + path.read_bytes())
        return total.hexdigest()[:12]

    def load(self) -> Callable[..., Any]:
        """Import the function."""
        try:
            self._import_top()
            function = getattr(importlib.import_module(self.module), self.function)
        except UsageError:
            raise
        except Exception as error:  # whatever a user's module raises
            raise UsageError(
                f"network.name = '{self.module}:{self.function}' cannot be imported: "
                f"{type(error).__name__}: {error}."
            ) from error
        if not callable(function):
            raise UsageError(
                f"{self.module}:{self.function} is no function that builds a network."
            )
        loaded: Callable[..., Any] = function
        return loaded

    def _import_top(self) -> None:
        """Import the code that `digest` is of, and no namesake found elsewhere."""
        name, code = self.top.name, self.code
        if str(code.parent) not in sys.path:
            sys.path.append(str(code.parent))  # for what the code itself imports
        if name not in sys.modules:
            sys.modules[name] = module = module_from_spec(self.top)
            try:
                if self.top.loader is not None:
                    self.top.loader.exec_module(module)
            except BaseException:
                del sys.modules[name]
                raise
        here = (code, self.digest)
        if _IMPORTED.setdefault(name, here) != here:
            raise UsageError(
                f"the module {name!r} in {code} is not the code that was imported "
                "under this name before; start Python again."
            )


def _find(name: str, folder: str) -> ModuleSpec | None:
    beside = PathFinder.find_spec(name, [folder]) if folder else None
    try:
        return beside or find_spec(name)
    except (ImportError, ValueError):
        return None
