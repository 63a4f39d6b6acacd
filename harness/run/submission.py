"""A submission's file, read and checked without running any of it."""

import ast
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.plain_text import harmless
from harness.storage.files import sha256_of

LARGEST_SOURCE = 256 * 1024
_LONGEST_WORDS = 300
_HELPERS = ("_", ".")
ARGUMENTS = ("net", "retain", "forget", "validation")
OPTIONAL_ARGUMENTS = ("seed", "device", "budget_seconds", "recipe")
SIGNATURE = "def unlearning(net, retain, forget, validation)"


@dataclass(frozen=True)
class Submission:
    """What a submission's file says about itself.

    Attributes
    ----------
    name : str
        The file's name without ``.py``.
    path : Path
        Where it lies.
    source : str
        Its text.
    problems : tuple of str
        All that can be seen to be wrong without running it, a sentence each.
    title, summary, authors, url : str
        ``NAME``, the docstring's first line, ``AUTHORS``, ``URL``; empty if absent.
    is_reference : bool
        The file says ``REFERENCE = True``: it is shown, never ranked, and the cap
        does not stop it.
    """

    name: str
    path: Path
    source: str
    problems: tuple[str, ...] = ()
    title: str = ""
    summary: str = ""
    authors: str = ""
    url: str = ""
    is_reference: bool = False

    @property
    def sha256(self) -> str:
        """Hex digest of the source."""
        return sha256_of(self.source.encode())


def read_submission(path: Path) -> Submission:
    """Read a submission; what is wrong with it is collected, not raised.

    Raises
    ------
    UsageError
        If there is no such file.
    """
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


def find_submissions(paths: list[Path]) -> list[Path]:
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
    return distinct(found)


def distinct(paths: Iterable[Path]) -> list[Path]:
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


def submission_name(path: Path) -> str:
    """Name a submission: by its file without the ending, or by its folder."""
    return path.resolve().name if path.is_dir() else path.stem


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
