"""Run submissions of a board again, and hold the new scores against the stored ones."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scipy.special import ndtri

from harness.errors import UsageError
from harness.leaderboard.board import Board
from harness.leaderboard.eligibility import Terms
from harness.leaderboard.replicates import by_submission
from harness.leaderboard.stored import Entry
from harness.results.schema import Number, Result
from harness.run.entry import find_submissions
from harness.run.submission import read_submission
from harness.status import Status

ALL = "all"
_LEVEL = 0.05


@dataclass(frozen=True)
class Rerun:
    """What became of one submission, then and now.

    Attributes
    ----------
    submission : str
        Its name.
    stored, now : float or None
        The score; None where there is none.
    low, high : float or None
        The stored 95 % interval for a second scoring.
    status_stored, status_now : Status
        What became of it.
    inside : bool
        The status is the same, and the new score lies in the stored interval, where
        both have one.
    reproduced : bool
        The same with that interval widened for the number of submissions that were
        run again, so that all of them pass together in 95 % of the cases.
    """

    submission: str
    stored: float | None
    low: float | None
    high: float | None
    now: float | None
    status_stored: Status
    status_now: Status
    inside: bool
    reproduced: bool

    def __str__(self) -> str:
        if self.stored is None or self.now is None:
            verdict = "as stored" if self.reproduced else f"was {self.status_stored}"
            return f"{self.submission}: {self.status_now}, {verdict}"
        verdict = "inside" if self.inside else "outside"
        if self.reproduced and not self.inside:
            verdict += ", but no further than chance allows among so many,"
        return (
            f"{self.submission}: {self.now:.4f}, {verdict} "
            f"{self.low:.4f} to {self.high:.4f} (stored {self.stored:.4f})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the documented JSON object."""
        return asdict(self)


def rows_to_rerun(
    board: Board, terms: Terms, names: Sequence[str], submissions: Path
) -> list[tuple[Entry, Path]]:
    """Find rows of a board by name, with the file that made each.

    Parameters
    ----------
    board : Board
        Whose rows.
    terms : Terms
        Track and bank.
    names : sequence of str
        Names of submissions, or ``"all"`` for every one but the references.
    submissions : Path
        Folder of the files.

    Raises
    ------
    UsageError
        If a name is on no row, its file is not there, or has changed since.
    CheckFailed
        If the board is damaged.
    """
    board.texts()  # says so if there is no board
    entries = {g.first.name: g.first for g in by_submission(board.entries(terms))}
    files = {path.stem: path for path in find_submissions([submissions])}
    if ALL in names:
        chosen = [n for n, e in entries.items() if not e.result.is_reference]
    else:
        chosen = list(dict.fromkeys(names))
    for name in chosen:
        if name not in entries:
            known = ", ".join(entries)
            raise UsageError(f"the board has no row {name!r}; its rows are: {known}.")
    return [(entries[name], _unchanged(entries[name], files)) for name in chosen]


def _unchanged(entry: Entry, files: dict[str, Path]) -> Path:
    path = files.get(entry.name)
    if path is None:
        raise UsageError(
            f"there is no file {entry.name}.py to run again; put it back into "
            "submissions/, or take its row off the board."
        )
    if read_submission(path).sha256 != entry.sha256:
        raise UsageError(
            f"{path} has changed since its row was scored; score it with --official "
            "and run: unlearn-eval leaderboard --update."
        )
    return path


def compare_reruns(stored: Iterable[Entry], now: Iterable[Result]) -> list[Rerun]:
    """Hold new results against stored ones, in the same order."""
    pairs = list(zip(stored, now, strict=True))
    return [_rerun(entry.result, result, len(pairs)) for entry, result in pairs]


def _rerun(stored: Result, now: Result, n_rows: int) -> Rerun:
    before, after = stored.metrics.score, now.metrics.score
    same_status = stored.status == now.status
    inside = widened = True
    if before is not None and after is not None:
        inside = _lies_in(after.value, before, 1.0)
        widened = _lies_in(after.value, before, widening(n_rows))
    return Rerun(
        submission=stored.name,
        stored=None if before is None else before.value,
        low=None if before is None else before.low_repeated,
        high=None if before is None else before.high_repeated,
        now=None if after is None else after.value,
        status_stored=stored.status,
        status_now=now.status,
        inside=inside and same_status,
        reproduced=widened and same_status,
    )


def widening(n_rows: int) -> float:
    """Return how many times wider an interval must be to hold for many rows at once.

    Bonferroni: each of `n_rows` normal deviations may leave its interval with a chance
    of 5 % / `n_rows`.
    """
    return float(ndtri(1 - _LEVEL / 2 / n_rows) / ndtri(1 - _LEVEL / 2))


def _lies_in(value: float, number: Number, times: float) -> bool:
    center, low, high = number.value, number.low_repeated, number.high_repeated
    if low is None or high is None:
        return True  # too few models for an interval: nothing can be said
    return bool(
        center - times * (center - low) <= value <= center + times * (high - center)
    )
