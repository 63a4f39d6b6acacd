"""What a person at a terminal sees while data is fetched."""

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as RichProgress


class Progress(Protocol):
    """Told how far a fetch has got."""

    def say(self, line: str) -> None:
        """Take one line of news."""

    def start(self, label: str, total: int | None) -> None:
        """Begin a stage of ``total`` bytes, or of an unknown number."""

    def reach(self, done: int) -> None:
        """Take the bytes done so far in the present stage."""


class SilentProgress:
    """Shows nothing."""

    def say(self, line: str) -> None:
        """Drop the line."""

    def start(self, label: str, total: int | None) -> None:
        """Drop the stage."""

    def reach(self, done: int) -> None:
        """Drop the advance."""


class TerminalProgress:
    """A bar on stderr; nothing at all where stderr is no terminal.

    Parameters
    ----------
    console : Console or None
        Where to draw; None stands for stderr.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bar: RichProgress | None = None
        self._task = TaskID(0)
        self._total: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def say(self, line: str) -> None:
        """Print one line above the bar."""
        if self._console.is_terminal:
            self._console.print(line, markup=False, highlight=False)

    def start(self, label: str, total: int | None) -> None:
        """Replace the bar by that of a new stage."""
        self._stop()
        if not self._console.is_terminal:
            return
        self._total = total
        self._bar = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[amount]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task(label, total=total, amount="")
        self._bar.start()

    def reach(self, done: int) -> None:
        """Move the bar."""
        if self._bar is not None:
            amount = _megabytes(done, self._total)
            self._bar.update(self._task, completed=done, amount=amount)

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _megabytes(done: int, total: int | None) -> str:
    if total is None:
        return f"{done / 1e6:.0f} MB" if done else ""
    return f"{min(done, total) / 1e6:.0f} of {total / 1e6:.0f} MB"
