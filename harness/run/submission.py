"""A submission, read and checked without running any of it."""

import ast
import os
import shlex
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from harness.errors import UsageError
from harness.plain_text import escape_controls, harmless
from harness.run.contract import contract_notes, contract_problems
from harness.run.cost import Budget, kill_seconds, limit_at
from harness.run.messages import NO_LIMIT, Failure, RunRequest, other_task
from harness.run.needs import UNREADABLE
from harness.run.sections import split
from harness.run.source import Unreadable, read_source
from harness.storage.files import sha256_of
from harness.storage.shipped import shipped_submissions
from harness.tasks.base import Task

_LONGEST_WORDS, _LONGEST_PROBLEM = 300, 600
_MEMORY_BYTES = 8 << 30
#: Controls of the package. What a stranger's file calls itself lifts no cap.
REFERENCES = ("retrain",)


@dataclass(frozen=True)
class Submission:
    """A source to run, by what it says about itself.

    The title, summary, authors and url are its ``NAME``, the docstring's first line,
    ``AUTHORS`` and ``URL``; it is a reference if it says ``REFERENCE = True`` and is
    one of the package's own controls, letter by letter.
    """

    name: str
    path: Path
    source: str
    problems: tuple[str, ...] = ()
    title: str = ""
    summary: str = ""
    authors: str = ""
    url: str = ""
    #: What tracebacks call the source, and how it was put together if it was.
    filename: str = "submission.py"
    notes: tuple[str, ...] = ()
    #: What tasks it is for, by kind or data set; none is all.
    tasks: tuple[str, ...] = ()
    #: Shown and never ranked, so that the cap does not stop it.
    is_reference: bool = False
    #: Its runs are made here, and cost what they cost here.
    made_elsewhere: ClassVar[bool] = False

    @property
    def sha256(self) -> str:
        """Hex digest of the source."""
        return sha256_of(self.source.encode())

    def kept(self) -> tuple[str, str]:
        """Name and text of what is kept beside a result."""
        return "submission.py", self.source

    def seeds(self, drawn: Sequence[int]) -> list[int]:
        """Seeds of the runs: those that were drawn for it."""
        return list(drawn)

    def request(
        self, index: int, seed: int, device: str, budget: Budget | None
    ) -> RunRequest:
        """Ask for one call, without a limit where nothing is known of its budget.

        There is none of memory on a GPU: CUDA maps far more than it uses.
        """
        del index
        memory, limit = _MEMORY_BYTES if device == "cpu" else None, NO_LIMIT
        if budget is not None:
            # A reference may cost a retraining and more: it is shown all the same.
            most = budget.retraining_seconds if self.is_reference else budget.seconds
            limit = limit_at(kill_seconds(most), device)
        seconds = budget.seconds if budget else None
        return RunRequest(self.filename, self.source, seed, seconds, memory, limit)

    def failure_reason(self, index: int, seed: int, failure: Failure) -> str:
        """Say which run failed, and how."""
        return f"run {index} (seed {seed}): {failure.reason}"

    def repeat_command(self, seed: int, options: str) -> str:
        """Give the command that does a run again."""
        path = shlex.quote(str(self.path))
        return f"unlearn-eval validate {path} {options} --seed {seed}"


def read_submission(path: Path) -> Submission:
    """Read a submission; what is wrong with it is collected, not raised."""
    name, odd = shown_name(path)
    if odd:
        return Submission(name, path, "", (odd,))
    try:
        source = read_source(path)
    except Unreadable as error:
        return Submission(name, path, "", (str(error),))
    modules, main = split(source.text)
    trees: list[ast.Module] = []
    for shown, text in ((path.name, main), *modules.items()):
        try:
            trees.append(_parsed(text, shown))
        except UNREADABLE as error:
            problem = _syntax_problem(shown, error)
            return Submission(name, path, source.text, (problem,))
    tree = trees[0]
    constants = _constants(tree)
    summary = (ast.get_docstring(tree) or "").strip().partition("\n")[0]
    # Words alone: a number may be too long for Python to write it out.
    words = {key: value for key, value in constants.items() if isinstance(value, str)}
    title, authors, url = (words.get(key, "") for key in ("NAME", "AUTHORS", "URL"))
    problems = contract_problems(tree, path, modules)
    tasks = _tasks(tree)
    if tasks is None:
        problems.append(f'{path.name}: TASKS must be names, such as ("text",).')
    return Submission(
        name=name,
        path=path,
        source=source.text,
        filename=source.filename,
        notes=(*source.notes, *contract_notes(tree, harmless(path.name))),
        problems=tuple(harmless(each, _LONGEST_PROBLEM) for each in problems),
        title=harmless(title, _LONGEST_WORDS),
        summary=harmless(summary, _LONGEST_WORDS),
        authors=harmless(authors, _LONGEST_WORDS),
        url=harmless(url, _LONGEST_WORDS),
        tasks=tasks or (),
        is_reference=constants.get("REFERENCE") is True
        and _is_control(name, source.text),
    )


def fit_for(submission: Submission, task: Task) -> Submission:
    """Add the problem that it is for other tasks, before anything of it runs."""
    track = task.track
    words = other_task(submission.tasks, task.kind, track.data.dataset, track.name)
    if not words:
        return submission
    problem = harmless(f"{submission.path.name}: {words}", _LONGEST_PROBLEM)
    return replace(submission, problems=(*submission.problems, problem))


def _tasks(tree: ast.Module) -> tuple[str, ...] | None:
    """Read ``TASKS``, if it is plain words; None if it cannot be what it must be."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(each, ast.Name) and each.id == "TASKS" for each in node.targets
        ):
            try:
                value = ast.literal_eval(node.value)
            except (ValueError, TypeError, RecursionError, MemoryError):
                return ()  # The run will tell.
            named = (value,) if isinstance(value, str) else value
            if not isinstance(named, tuple | list | set):
                return None
            return tuple(named) if all(isinstance(n, str) for n in named) else None
    return ()


def _is_control(name: str, source: str) -> bool:
    shipped = shipped_submissions() / f"{name}.py"
    return (
        name in REFERENCES
        and shipped.is_file()
        and shipped.read_text("utf-8-sig") == source
    )


def _parsed(source: str, filename: str) -> ast.Module:
    with warnings.catch_warnings():
        # An odd escape in a string is between the author and Python.
        warnings.simplefilter("ignore")
        return ast.parse(source, filename=filename)


def submission_name(path: Path) -> str:
    """Name a submission: by its file without the ending, or by its folder.

    The name is part of what is printed, and of the path of the results.
    """
    # Not by Path.resolve, which fails on links that lead in a circle.
    is_folder = path.is_dir() and path.suffix != ".py"
    name = Path(os.path.realpath(path)).name if is_folder else path.stem
    shown = name.isprintable() and escape_controls(name) == name
    if not shown or not name or name.startswith("."):
        raise UsageError(
            f"the file name {path.name[:100]!a} cannot be shown or gives no name for "
            "results; rename it."
        )
    return name


def shown_name(path: Path) -> tuple[str, str]:
    """Name a submission so that it can be shown, and say what is wrong with its own.

    One odd name among many must not keep the others from their score.
    """
    try:
        return submission_name(path), ""
    except UsageError as error:
        problem = harmless(error, _LONGEST_PROBLEM)
        return f"unnamed-{sha256_of(os.fsencode(path.name))[:8]}", problem


def _syntax_problem(name: str, error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        said = f"{name}, line {error.lineno}: syntax error: {error.msg}."
    else:
        said = f"{name} cannot be parsed: {error}."
    return harmless(said, _LONGEST_PROBLEM)


def _constants(tree: ast.Module) -> dict[str, object]:
    constants: dict[str, object] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    constants[target.id] = node.value.value
    return constants
