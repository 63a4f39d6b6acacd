"""What is scored: a file to run N times, or N checkpoints that such runs have left."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from harness.errors import UsageError
from harness.models.weights import WeightSpec
from harness.run.checkpoints import holds_checkpoints, read_checkpoints
from harness.run.cost import Budget
from harness.run.messages import Failure, Request
from harness.run.submission import read_submission, submission_name

_HELPERS = ("_", ".")


class Entry(Protocol):
    """One thing to score, read and vetted, and nothing of it executed or unpickled."""

    @property
    def name(self) -> str:
        """What its results are found by."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    @property
    def problems(self) -> tuple[str, ...]:
        """All that can be seen to be wrong with it, a sentence each."""

    @property
    def title(self) -> str:
        """A longer name; this and what follows may be empty."""

    @property
    def summary(self) -> str:
        """What it does, in one line."""

    @property
    def authors(self) -> str:
        """Who made it."""

    @property
    def url(self) -> str:
        """Where to read more."""

    @property
    def is_reference(self) -> bool:
        """Whether it is shown and never ranked, so that the cap does not stop it."""

    @property
    def made_elsewhere(self) -> bool:
        """Whether its models are there already, so that their cost is unknown."""

    @property
    def sha256(self) -> str:
        """Hex digest of the content: another one is another entry."""

    def kept(self) -> tuple[str, str]:
        """File name and text of what is kept beside a result."""

    def seeds(self, drawn: Sequence[int]) -> list[int]:
        """Seeds of its runs, given those that the scoring has drawn."""

    def request(
        self, index: int, seed: int, device: str, budget: Budget | None
    ) -> Request:
        """Ask for one of its models; the budget is None where it is not known."""

    def failure_reason(self, index: int, seed: int, failure: Failure) -> str:
        """Say in a sentence which of its models failed, and how."""

    def repeat_command(self, seed: int, options: str) -> str:
        """Give the command that does a failed run again, or nothing."""


def find_entries(paths: Iterable[Path]) -> list[Path]:
    """List what there is to score: submissions' files, zips and checkpoint folders.

    Raises
    ------
    UsageError
        If a path does not exist or holds nothing to score, a folder holds both kinds,
        or two have one name.
    """
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
    """Read a submission, or find and vet N checkpoints of a network.

    Raises
    ------
    UsageError
        If there is no such file.
    """
    if path.exists() and holds_checkpoints(path):
        return read_checkpoints(path, n_models, spec.n_bytes)
    return read_submission(path)


def find_submissions(paths: Iterable[Path]) -> list[Path]:
    """List the submissions' files: files as they are, folders one level deep.

    A file that starts with ``_`` or ``.`` is no submission.

    Raises
    ------
    UsageError
        If a path does not exist, a folder holds no submission, or two have one name.
    """
    found: list[Path] = []
    for path in paths:
        found += _in_folder(path) if path.is_dir() else [_checked_file(path)]
    return _distinct(found)


def _distinct(paths: Iterable[Path]) -> list[Path]:
    """Leave out what is given twice.

    Raises
    ------
    UsageError
        If two submissions have one name: their results would get mixed up. If a name
        cannot be shown.
    """
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
