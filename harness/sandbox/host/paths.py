"""The files that a run needs, and those nearby that it must not see."""

import os
import sys
import sysconfig
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from harness.processes.worker import interpreter
from harness.storage.cache import cache_root

_PACKAGE = Path(__file__).resolve().parents[2]
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_IMPORTED = ("torch", "torchvision", "numpy", "scipy", "safetensors")
_SITES = ("site-packages", "dist-packages")
_SYSTEM_FACTS = (Path("/etc/ld.so.cache"), Path("/etc/alternatives"))
#: Of the processors how many there are and how they lie; not how often each was idle,
#: which runs could count by.
_PROCESSORS = Path("/sys/devices/system/cpu")
_OF_PROCESSORS = (
    *("online", "possible", "present", "kernel_max"),
    *("cpu[0-9]*/topology", "cpu[0-9]*/cache"),
)


def system_paths() -> tuple[Path, ...]:
    """The distribution's public files: what is not a link, and the links' targets."""
    return tuple(path for path in map(Path, _SYSTEM) if path.exists())


def system_facts() -> tuple[Path, ...]:
    """Single files of the system that programs look for."""
    of_processors = [p for name in _OF_PROCESSORS for p in _PROCESSORS.glob(name)]
    return tuple(path for path in (*_SYSTEM_FACTS, *of_processors) if path.exists())


@cache
def python_paths() -> tuple[Path, ...]:
    """Interpreter, standard library, installed packages, and this package.

    Of a prefix only what an installation puts there is taken: a virtual environment
    may be somebody's project folder.
    """
    executable = Path(interpreter())
    prefixes = (executable.parents[1], sys.prefix, sys.base_prefix, sys.exec_prefix)
    parts = ("bin", "lib", "lib64", "pyvenv.cfg")
    paths = [Path(prefix, part) for prefix in prefixes for part in parts]
    paths += [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")]
    paths += [link.parent for link in _links_to(executable)]
    paths += [_PACKAGE, *(_holder(name) for name in _IMPORTED)]
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    paths += [Path(folder) for folder in libraries if Path(folder).is_absolute()]
    return normal_paths(paths)


def normal_paths(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Keep what exists, with what links lead to, and nothing that lies in another."""
    normal = (Path(os.path.normpath(path.absolute())) for path in paths)
    there = [path for path in normal if path.exists()]
    return _outermost([*there, *(path.resolve() for path in there)])


def _holder(package: str) -> Path:
    """Folder to show for a package, wherever a path file or a user's site has it."""
    spec = find_spec(package)
    folder = Path(spec.origin or "").parent if spec else _PACKAGE
    return folder.parent if folder.parent.name in _SITES else folder


def secret_paths(more: Iterable[Path] = ()) -> tuple[Path, ...]:
    """Banks, shipped submissions and the cache: not for runs, wherever they lie."""
    paths = (_PACKAGE / "_shipped", cache_root(), *more)
    return tuple(path.absolute() for path in paths)


def _links_to(path: Path) -> list[Path]:
    """Follow links one by one, so that each stays usable."""
    found = [path]
    while path.is_symlink():
        path = Path(os.path.normpath(path.parent / path.readlink()))
        found.append(path)
    return found


def _outermost(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Drop what lies in the system's folders or in another of these."""
    known = list(system_paths())
    kept: list[Path] = []
    for path in sorted(set(paths), key=lambda p: len(p.parts)):
        if not any(path.is_relative_to(other) for other in (*known, *kept)):
            kept.append(path)
    return tuple(kept)
