"""What is scored: a file to run N times, or N checkpoints that such runs have left."""

from collections.abc import Iterable
from pathlib import Path

from harness.errors import UsageError
from harness.models.weights import WeightSpec
from harness.run.checkpoints import (
    CheckpointSet,
    holds_checkpoints,
    read_checkpoints,
)
from harness.run.submission import Submission, read_submission, submission_name

_HELPERS = ("_", ".")


#: One thing to score, read and vetted, and nothing of it executed or unpickled.
Entry = Submission | CheckpointSet


def find_entries(paths: Iterable[Path]) -> list[Path]:
    """List what there is to score: submissions' files, zips and checkpoint folders."""
    found: list[Path] = []
    for path in paths:
        if not path.exists() or not holds_checkpoints(path):
            found += find_submissions([path])
        elif path.is_dir() and any(path.glob("[!_.]*.py")):
            raise UsageError(
                f"the folder {path} holds submissions and checkpoints; give the .py "
                "files by name, or move the checkpoints to a folder of their own."
            )
        else:
            found.append(path)
    return _distinct(found)


def read_entry(path: Path, n_models: int, spec: WeightSpec) -> Entry:
    """Read a submission, or find and vet N checkpoints of a network."""
    if path.exists() and holds_checkpoints(path):
        return read_checkpoints(path, n_models, spec.n_bytes)
    return read_submission(path)


def find_submissions(paths: Iterable[Path]) -> list[Path]:
    """List the submissions' files: files as they are, folders one level deep.

    A file that starts with ``_`` or ``.`` is no submission.
    """
    found: list[Path] = []
    for path in paths:
        found += _in_folder(path) if path.is_dir() else [_checked_file(path)]
    return _distinct(found)


def _distinct(paths: Iterable[Path]) -> list[Path]:
    """Leave out what is given twice; by one name, results would get mixed up."""
    by_name: dict[str, Path] = {}
    for path in paths:
        name = submission_name(path)
        if not name.isprintable():
            raise UsageError(f"the file name {name!a} cannot be shown; rename it.")
        other = by_name.setdefault(name, path)
        if other.resolve() != path.resolve():
            raise UsageError(
                f"{other} and {path} have the same name, {name}; rename one."
            )
    return list(by_name.values())


def _checked_file(path: Path) -> Path:
    if not path.exists():
        raise UsageError(f"there is no file {path}; give a submission's .py file.")
    if path.suffix != ".py":
        raise UsageError(f"{path} is no submission; it must be a .py file or a folder.")
    if path.name.startswith(_HELPERS):
        raise UsageError(
            f"{path} is no submission: its name starts with {path.name[0]}; rename it."
        )
    return path


def _in_folder(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.py"))
    files = [path for path in files if not path.name.startswith(_HELPERS)]
    if not files:
        raise UsageError(
            f"the folder {folder} holds no submission; write one with: "
            f"unlearn-eval init {folder / 'my_method'}."
        )
    return files
