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
    """``"package.module:function"``, of an installed package or beside the track.

    Attributes
    ----------
    module, function : str
        The two parts of the path.
    folder : str
        Where the track's file lies; looked into first.
    """

    module: str
    function: str
    folder: str

    @classmethod
    def named(cls, path: str, folder: str) -> "ImportedFunction":
        """Find the code without importing any of it.

        Raises
        ------
        UsageError
            If there is no such module.
        """
        module, _, function = path.partition(":")
        found = cls(module, function, folder)
        if not function.isidentifier() or found._top is None:
            raise UsageError(
                f"network.name = {path!r} cannot be imported: there is no module "
                f"{module.partition('.')[0]!r} beside the track's file or installed; "
                "write it as package.module:function."
            )
        return found

    @property
    def code(self) -> Path:
        """Folder of the top-level package, or the module's file."""
        top = self._top
        if top is None:
            raise AssertionError("it was found when it was named")
        if top.submodule_search_locations:
            return Path(next(iter(top.submodule_search_locations))).resolve()
        return Path(top.origin or "").resolve()

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
        """Import the function.

        Raises
        ------
        UsageError
            If the module cannot be imported, was changed since it was, or has no such
            function.
        """
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
        name, code = self.module.partition(".")[0], self.code
        if str(code.parent) not in sys.path:
            sys.path.append(str(code.parent))  # for what the code itself imports
        spec = self._top
        if name not in sys.modules and spec is not None:
            sys.modules[name] = module = module_from_spec(spec)
            try:
                if spec.loader is not None:
                    spec.loader.exec_module(module)
            except BaseException:
                del sys.modules[name]
                raise
        here = (code, self.digest)
        if _IMPORTED.setdefault(name, here) != here:
            raise UsageError(
                f"the module {name!r} in {code} is not the code that was imported "
                "under this name before; start Python again."
            )

    @property
    def _top(self) -> ModuleSpec | None:
        name = self.module.partition(".")[0]
        beside = PathFinder.find_spec(name, [self.folder]) if self.folder else None
        try:
            return beside or find_spec(name)
        except (ImportError, ValueError):
            return None
