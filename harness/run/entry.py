"""What is scored: a source to run N times, or the N checkpoints of such runs."""

# Of a path as a stranger made it os.path tells what pathlib raises an error for.
# ruff: noqa: PTH110, PTH112
import os
import re
from collections.abc import Iterable
from pathlib import Path

from harness.errors import UsageError
from harness.models.weights import WeightSpec
from harness.run.checkpoints import (
    CheckpointSet,
    holds_checkpoints,
    read_checkpoints,
)
from harness.run.checkpoints.selection import PATTERN
from harness.run.sections import MAIN, MAIN_NOTEBOOK
from harness.run.source import LARGEST_SOURCE, NOTEBOOK, is_container
from harness.run.submission import (
    Submission,
    read_submission,
    shown_name,
    submission_name,
)
from harness.storage.containers import Refused, plain_file

_HELPERS = ("_", ".")
#: Of files that are listed where a folder is given.
_ENDINGS = (".py", NOTEBOOK, ".zip")
_MOST_LOOKED_AT = 200
#: Of what was made a path the second of two slashes is gone.
_ADDRESS = re.compile(r"(https?|ftp|s3|gs|git):/+(.*)", re.IGNORECASE)

#: One thing to score, read and vetted, and nothing of it executed or unpickled.
Entry = Submission | CheckpointSet


def find_entries(paths: Iterable[Path]) -> list[Path]:
    """List what there is to score: submissions' files, zips and checkpoint folders."""
    found: list[Path] = []
    for path in paths:
        if not os.path.exists(path) or not holds_checkpoints(path):
            found += find_submissions([path])
        elif os.path.isdir(path) and any(path.glob("[!_.]*.py")):
            raise UsageError(
                f"the folder {path} holds submissions and checkpoints; give the .py "
                "files by name, or move the checkpoints to a folder of their own."
            )
        else:
            submission_name(path)
            found.append(path)
    return _distinct(found)


def read_entry(path: Path, n_models: int, spec: WeightSpec) -> Entry:
    """Read a submission, or find and vet N checkpoints of a network."""
    if os.path.exists(path) and holds_checkpoints(path):
        return read_checkpoints(path, n_models, spec.n_bytes)
    return read_submission(path)


def find_submissions(paths: Iterable[Path]) -> list[Path]:
    """List submissions: files as they are, folders of them one level deep.

    A folder with a ``submission.py`` or ``.ipynb`` is one submission, and so is a zip
    of it; in a folder each of them, each notebook and each ``.py`` file is one.

    What starts with ``_`` or ``.`` is no submission. What has a submission's
    name and is none, a broken link, a pipe, a folder, is listed: it fails by itself,
    and the others are scored.
    """
    found: list[Path] = []
    for path in paths:
        found += _in_folder(path) if os.path.isdir(path) else [_checked_file(path)]
    return _distinct(found)


def _distinct(paths: Iterable[Path]) -> list[Path]:
    """Leave out what is given twice; by one name, results would get mixed up."""
    by_name: dict[str, Path] = {}
    for path in paths:
        name, _ = shown_name(path)
        other = by_name.setdefault(name, path)
        if os.path.realpath(other) != os.path.realpath(path):
            raise UsageError(
                f"{other} and {path} have the same name, {name}; rename one."
            )
    return list(by_name.values())


def _checked_file(path: Path) -> Path:
    if address := as_address(path):
        raise UsageError(
            f"{address} is an address; download the file, and give its path."
        )
    if not os.path.lexists(path):
        raise UsageError(f"there is no file {path}; give a submission's .py file.")
    if path.suffix not in (".py", NOTEBOOK) and not is_container(path):
        raise UsageError(f"{path} is no submission; {_instead(path)}")
    if path.name.startswith(_HELPERS):
        raise UsageError(
            f"{path} is no submission: its name starts with {path.name[0]}; rename it."
        )
    submission_name(path)  # An error if it has none.
    return path


def as_address(path: Path) -> str:
    """Give back the address that a path was made of, or nothing."""
    found = _ADDRESS.match(str(path))
    return f"{found[1]}://{found[2]}" if found else ""


def _instead(path: Path) -> str:
    """Say what would work in place of a file of some other kind."""
    if path.suffix in (".pth", ".pt", ".ckpt", ".safetensors"):
        return (
            f"it is one checkpoint, and N are needed: give a folder or a zip of "
            f"{PATTERN}, or the .py file that makes them."
        )
    if path.suffix in (".npz", ".npy"):
        return "it holds arrays: see unlearn-eval estimate."
    return "it must be a .py file, a notebook, a folder or a zip."


def _in_folder(folder: Path) -> list[Path]:
    """List a folder's submissions; of those of one name, the .py file."""
    if _is_submission(folder):
        return [folder]
    try:
        paths = sorted(folder.iterdir(), key=lambda path: (path.suffix != ".py", path))
    except OSError as error:
        words = f"the folder {folder} cannot be read: {error.strerror}."
        raise UsageError(words) from None
    found: dict[str, Path] = {}
    for path in paths:
        is_one = path.suffix in _ENDINGS or (os.path.isdir(path) and _has_main(path))
        if is_one and not path.name.startswith(_HELPERS):
            found.setdefault(path.name.removesuffix(path.suffix), path)
    if not found and folder.suffix == ".py":
        return [folder]
    if not found:
        raise UsageError(
            f"the folder {folder} holds no submission; write one with: "
            f"unlearn-eval init {folder / 'my_method'}."
        )
    return sorted(found.values())


def _has_main(folder: Path) -> bool:
    return any(os.path.lexists(folder / name) for name in (MAIN, MAIN_NOTEBOOK))


def _is_submission(folder: Path) -> bool:
    """Tell one submission from many of which one has the name of a main file.

    Modules that define ``unlearning``, too, belong to it if it speaks of them.
    """
    if not _has_main(folder):
        return False
    words = set(re.findall(r"\w+", _beginning(folder / MAIN).decode(errors="replace")))
    others = [path for path in folder.glob("*.py") if path.name != MAIN]
    return not any(
        b"def unlearning(" in _beginning(path) and path.stem not in words
        for path in others[:_MOST_LOOKED_AT]
    )


def _beginning(path: Path) -> bytes:
    """Read of a plain file as much as a source may have; of anything else nothing."""
    try:
        with plain_file(path) as file:
            return file.read(LARGEST_SOURCE)
    except Refused:
        return b""
