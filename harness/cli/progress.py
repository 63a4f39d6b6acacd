"""Show progress on stderr: a bar on a terminal, a few plain lines elsewhere."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Self, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from harness.plain_text import escape_controls
from harness.results.schema import Result
from harness.status import Status

T = TypeVar("T")
_PLAIN_STEPS = 4
_LONGEST = 4000
#: Rich forgets after half a minute how fast it went; a model may take longer.
_REMEMBERED_SECONDS = 86_400.0


@contextmanager
def resuming(kept: str, how: str = "Run the same command again") -> Iterator[None]:
    """Say on Ctrl-C that another call goes on with what is kept, and how to call."""
    try:
        yield
    except KeyboardInterrupt as error:
        told = error.args or (f"{how} to resume: {kept} are kept.",)
        raise KeyboardInterrupt(*told) from None


class ProgressListener:
    """Tells a person on stderr how it goes.

    Without `lines`, work that takes a minute or so is shown on bars or not at all.
    """

    def __init__(self, *, quiet: bool, bars: bool, lines: bool = True) -> None:
        self._console = Console(stderr=True, quiet=quiet, highlight=False)
        can_draw = self._console.is_terminal or self._console.is_jupyter
        self._bars = bars and can_draw and not quiet
        self._lines = lines
        self._progress: Progress | None = None
        self._what, self._total, self._done, self._started = "", 0, 0, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # A bar has hidden the cursor.
        self.end()

    def say(self, text: str) -> None:
        """Show one line of news."""
        words = Text(escape_controls(text[:_LONGEST]))
        self._console.print(words, emoji=False, soft_wrap=True)

    def begin(self, what: str, total: int, done: int) -> None:
        """Start a bar, or say what begins."""
        self._what, self._total, self._done, self._started = what, total, done, done
        if self._bars:
            self._progress = _bar(self._console)
            self._progress.start()
            self._progress.add_task(what, total=total, completed=done)
        elif self._lines:
            resumed = f", {done} of them done before" if done else ""
            self.say(f"{what}: {total} to do{resumed}")

    def advance(self) -> None:
        """Move on by one."""
        self._done += 1
        if self._progress is not None:
            self._progress.advance(self._progress.task_ids[0])
        elif self._lines and self._done % max(1, self._total // _PLAIN_STEPS) == 0:
            self.say(f"{self._what}: {self._done} of {self._total}")

    def end(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def result(self, result: Result, reused: bool) -> None:
        """Show one line for a finished submission; a bar may go on below it."""
        self.say(one_line(result) + (" (stored result)" if reused else ""))


def on_bar(what: str) -> Callable[[Iterable[T], int], Iterator[T]]:
    """Make a function that passes things on as they come, on a terminal with a bar."""

    def shown(things: Iterable[T], total: int) -> Iterator[T]:
        with ProgressListener(quiet=False, bars=True, lines=False) as listener:
            listener.begin(escape_controls(what[:_LONGEST]), total, 0)
            for thing in things:
                yield thing
                listener.advance()

    return shown


def one_line(result: Result) -> str:
    """Return a submission's outcome in one line."""
    score, efficiency = result.metrics.ranked_score, result.metrics.efficiency
    if result.status == Status.SCORED and score and efficiency:
        cost = result.unknown_cost or f"{efficiency.ratio:.2f} of a retraining"
        return f"{result.name}: scored {score.value:.4f}, {cost}"
    kind = "reference" if result.is_reference else str(result.status)
    return f"{result.name}: {kind}: {result.reason}"


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        _Pace(),
        console=console,
        transient=True,
        speed_estimate_period=_REMEMBERED_SECONDS,
    )


class _Pace(ProgressColumn):
    """How fast pieces of work come, once there are some."""

    def render(self, task: Task) -> Text:
        """Return it in words."""
        speed = task.speed
        if not speed:
            return Text("")
        return Text(f"{speed:.1f} per s" if speed > 1 else f"{1 / speed:.1f} s each")
