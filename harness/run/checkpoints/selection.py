"""Which files of a folder or zip are its checkpoints, and in which order."""

import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from harness.plain_text import harmless
from harness.run.source import holds_source
from harness.storage.containers import Refused, open_container

PATTERN = "unlearned_checkpoint_*.pth"
_NAME = re.compile(r"unlearned_checkpoint_([0-9]{1,9})\.pth?", re.ASCII)


class Numbered(NamedTuple):
    """A checkpoint's number, and the path of its file in the container."""

    number: int
    path: str


def holds_checkpoints(path: Path) -> bool:
    """Tell whether a path is to be scored as checkpoints: a zip, or such a folder.

    A folder of submissions that has checkpoints in a sub-folder is one of submissions,
    and a zip without any is one if a submission is in it.
    """
    is_zip = not path.is_dir()
    if is_zip and path.suffix.lower() != ".zip":
        return False
    try:
        names = open_container(path).names()
    except Refused:
        return is_zip
    if is_zip:
        return any(map(_numbered, names)) or not holds_source(names)
    if any(name.endswith(".py") and "/" not in name for name in names):
        return any(_numbered(name) for name in names if "/" not in name)
    return any(_numbered(name) for name in names)


def select(names: Iterable[str], n_models: int) -> list[Numbered]:
    """Choose the first `n_models` checkpoints, in the order of their numbers.

    They lie at the top, or all in one sub-folder.
    """
    folders: dict[str, list[Numbered]] = defaultdict(list)
    names = list(names)
    for name in names:
        if (found := _numbered(name)) is not None:
            folders[name.rpartition("/")[0]].append(found)
    if not folders:
        raise Refused(_none(names))
    if len(folders) > 1:
        names = (harmless(folder, 60) or "the top" for folder in sorted(folders))
        listed = harmless(", ".join(names))
        raise Refused(f"checkpoints lie in several folders ({listed}); keep one.")
    (found_here,) = folders.values()
    ordered = sorted(found_here)
    for one, other in pairwise(ordered):
        if one.number == other.number:
            both = f"{harmless(one.path)} and {harmless(other.path)}"
            raise Refused(f"{both} have the same number; remove one.")
    if len(ordered) < n_models:
        raise Refused(_too_few(len(ordered), n_models))
    return ordered[:n_models]


def _numbered(name: str) -> Numbered | None:
    folder, _, file = name.rpartition("/")
    match = _NAME.fullmatch(file)
    if match is None or "/" in folder:
        return None
    return Numbered(int(match[1]), name)


def _none(names: list[str]) -> str:
    (source, *more) = [n for n in names if n.endswith(".py")] or [""]
    if source and not more:
        return (
            f"it holds {harmless(source)} and no checkpoints; unpack it and score the "
            ".py file itself, or name that submission.py."
        )
    return f"it holds no checkpoints; they must be named {PATTERN}."


def _too_few(n_found: int, n_models: int) -> str:
    remedy = f" or give --n-models {n_found}" if n_found >= 2 else ""
    noun = "checkpoint" if n_found == 1 else "checkpoints"
    return f"too few: {n_found} {noun}, N = {n_models} are needed; make more{remedy}."
