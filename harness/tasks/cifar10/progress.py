"""What a person at a terminal sees while data is fetched."""

from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar


class Progress:
    """News and a bar on stderr; nothing at all where that is no terminal.

    Tests give another `console`; with `shown` false nothing is shown anywhere.
    """

    def __init__(self, console: Console | None = None, *, shown: bool = True) -> None:
        self._console = console or Console(stderr=True)
        self._shown = shown and self._console.is_terminal
        self._bar: Bar | None = None
        self._task = TaskID(0)
        self._total: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def say(self, line: str) -> None:
        """Print one line above the bar."""
        if self._shown:
            self._console.print(line, markup=False, highlight=False)

    def start(self, label: str, total: int | None) -> None:
        """Begin a stage of ``total`` bytes, or of an unknown number."""
        self._stop()
        if not self._shown:
            return
        self._total = total
        self._bar = Bar(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[amount]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task(label, total=total, amount="")
        self._bar.start()

    def reach(self, done: int) -> None:
        """Take the bytes done so far in the present stage."""
        if self._bar is not None:
            amount = _megabytes(done, self._total)
            if seconds := self._bar.tasks[0].elapsed:
                amount += f", {done / 1e6 / seconds:.1f} MB/s" if amount else ""
            self._bar.update(self._task, completed=done, amount=amount)

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _megabytes(done: int, total: int | None) -> str:
    if total is None:
        return f"{done / 1e6:.0f} MB" if done else ""
    return f"{min(done, total) / 1e6:.0f} of {total / 1e6:.0f} MB"
