"""Find a stored result by a submission's name or by its path."""

import difflib
from pathlib import Path

from harness.errors import UsageError
from harness.results.store import RESULT, ResultFolder
from harness.status import Status


def find_result(name: str, output: Path, track: str) -> ResultFolder:
    """Find one stored result with its models' outputs; of several, the largest N.

    By a submission's name, or by the path of a result folder or ``result.json``.

    Raises
    ------
    UsageError
        If there is none, or several; the message lists them.
    """
    path = Path(name)
    if path.name == RESULT:
        path = path.parent
    if (path / RESULT).is_file():
        return ResultFolder(path)
    found = sorted((output / track / name).glob(f"*/{RESULT}"))
    sizes = {path.parent: _n_measured(path.parent) for path in found}
    largest = max(sizes.values(), default=0)
    if largest == 0:
        raise UsageError(_none(name, output / track))
    best = [path for path, size in sizes.items() if size == largest]
    if len(best) > 1:
        several = ", ".join(map(str, best))
        raise UsageError(f"there are several results of {name}; give one: {several}.")
    return ResultFolder(best[0])


def _n_measured(path: Path) -> int:
    """N of a complete result; 0 where there is none."""
    result = ResultFolder(path).read_result()
    if result is None or not result.is_complete:
        return 0
    complete = result.status in (Status.SCORED, Status.OVER_BUDGET)
    return result.n_models if complete else 0


def _none(name: str, folder: Path) -> str:
    known = sorted(path.name for path in folder.glob("*") if path.is_dir())
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near and near[0] != name else ""
    return (
        f"there is no complete result of {name!r} in {folder}.{hint} Score it first: "
        "unlearn-eval score."
    )
