"""A submission's file, read and checked without running any of it."""

import ast
import shlex
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from harness.errors import UsageError
from harness.plain_text import harmless
from harness.run.cost import Budget, kill_seconds, limit_at
from harness.run.messages import NO_LIMIT, Failure, RunRequest
from harness.storage.files import sha256_of

LARGEST_SOURCE = 256 * 1024
_LONGEST_WORDS = 300
_MEMORY_BYTES = 8 << 30
ARGUMENTS = ("net", "retain", "forget", "validation")
OPTIONAL_ARGUMENTS = ("seed", "device", "budget_seconds", "recipe")
SIGNATURE = "def unlearning(net, retain, forget, validation)"


@dataclass(frozen=True)
class Submission:
    """A file to run, by what it says about itself.

    The title, summary, authors and url are its ``NAME``, the docstring's first line,
    ``AUTHORS`` and ``URL``; it is a reference if it says ``REFERENCE = True``.
    """

    name: str
    path: Path
    source: str
    problems: tuple[str, ...] = ()
    title: str = ""
    summary: str = ""
    authors: str = ""
    url: str = ""
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
        return RunRequest(self.path.name, self.source, seed, seconds, memory, limit)

    def failure_reason(self, index: int, seed: int, failure: Failure) -> str:
        """Say which run failed, and how."""
        return f"run {index} (seed {seed}): {failure.reason}"

    def repeat_command(self, seed: int, options: str) -> str:
        """Give the command that does a run again."""
        path = shlex.quote(str(self.path))
        return f"unlearn-eval validate {path} {options} --seed {seed}"


def read_submission(path: Path) -> Submission:
    """Read a submission; what is wrong with it is collected, not raised."""
    content, n_bytes = _content(path)
    name = path.stem
    if n_bytes > LARGEST_SOURCE:
        problem = (
            f"{path.name} has {-(-n_bytes // 1024)} KiB; a submission has at most "
            f"{LARGEST_SOURCE // 1024} KiB."
        )
        return Submission(name, path, "", (problem,))
    try:
        source = content.decode("utf-8-sig")
        tree = _parsed(source, path.name)
    except UnicodeDecodeError:
        return Submission(name, path, "", (f"{path.name} is not UTF-8 text.",))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return Submission(name, path, source, (_syntax_problem(path, error),))
    constants = _constants(tree)
    summary = (ast.get_docstring(tree) or "").strip().partition("\n")[0]
    # Words alone: a number may be too long for Python to write it out.
    words = {key: value for key, value in constants.items() if isinstance(value, str)}
    title, authors, url = (words.get(key, "") for key in ("NAME", "AUTHORS", "URL"))
    return Submission(
        name=name,
        path=path,
        source=source,
        problems=tuple(_contract_problems(tree, path.name)),
        title=harmless(title, _LONGEST_WORDS),
        summary=harmless(summary, _LONGEST_WORDS),
        authors=harmless(authors, _LONGEST_WORDS),
        url=harmless(url, _LONGEST_WORDS),
        is_reference=constants.get("REFERENCE") is True,
    )


def _content(path: Path) -> tuple[bytes, int]:
    """Return a file's first bytes, one more than is allowed, and its size."""
    try:
        if not path.is_file():  # A pipe would be waited for, a device never ends.
            path.stat()
            raise UsageError(f"{path} is no plain file; give a submission's .py file.")
        with path.open("rb") as file:
            content = file.read(LARGEST_SOURCE + 1)
            return content, max(len(content), path.stat().st_size)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}.") from None


def _parsed(source: str, filename: str) -> ast.Module:
    with warnings.catch_warnings():
        # An odd escape in a string is between the author and Python.
        warnings.simplefilter("ignore")
        return ast.parse(source, filename=filename)


def submission_name(path: Path) -> str:
    """Name a submission: by its file without the ending, or by its folder."""
    return path.resolve().name if path.is_dir() else path.stem


def _syntax_problem(path: Path, error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{path.name}, line {error.lineno}: syntax error: {error.msg}."
    return f"{path.name} cannot be parsed: {error}."


def _constants(tree: ast.Module) -> dict[str, object]:
    constants: dict[str, object] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    constants[target.id] = node.value.value
    return constants


def _contract_problems(tree: ast.Module, filename: str) -> list[str]:
    functions = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name == "unlearning"
    ]
    if functions:
        return _parameter_problems(functions[-1], filename)
    if _binds_unlearning(tree):
        return []
    return [f"{filename} defines no function unlearning; it needs {SIGNATURE}."]


def _binds_unlearning(tree: ast.Module) -> bool:
    """Tell whether the name is bound at the top in some other way."""
    for node in tree.body:
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                if child.id == "unlearning":
                    return True
            elif isinstance(child, ast.alias):
                if (child.asname or child.name) in ("unlearning", "*"):
                    return True
            elif getattr(child, "name", None) == "unlearning":
                return True
    return False


def _parameter_problems(
    function: ast.FunctionDef | ast.AsyncFunctionDef, filename: str
) -> list[str]:
    where = f"{filename}, line {function.lineno}: unlearning"
    problems = []
    if isinstance(function, ast.AsyncFunctionDef):
        problems.append(f"{where} must be an ordinary function, not async.")
    args = function.args
    positional = [*args.posonlyargs, *args.args]
    required = len(positional) - len(args.defaults)
    if len(positional) < len(ARGUMENTS) and args.vararg is None:
        problems.append(
            f"{where} takes {len(positional)} arguments; it is called with four: "
            f"{', '.join(ARGUMENTS)}."
        )
    extra = [arg.arg for arg in positional[len(ARGUMENTS) : max(required, 0)]]
    extra += [
        arg.arg
        for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
        if default is None
    ]
    by_place = [arg.arg for arg in args.posonlyargs]
    passed = [name for name in OPTIONAL_ARGUMENTS if name not in by_place]
    unknown = [name for name in extra if name not in passed]
    if unknown:
        problems.append(
            f"{where} requires {', '.join(unknown)}, which nobody passes; after the "
            f"four it may name {', '.join(OPTIONAL_ARGUMENTS)}."
        )
    return problems
