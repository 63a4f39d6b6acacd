"""Who is told how a scoring goes."""

from typing import Protocol

from harness.results.schema import Result


class Listener(Protocol):
    """Hears of progress; shows it or not.

    A result may be told by another thread, while the next submission's runs go on.
    """

    def say(self, text: str) -> None:
        """Hear one line of news."""

    def begin(self, what: str, total: int, done: int) -> None:
        """Hear that `total` pieces of work begin, of which `done` are done."""

    def advance(self) -> None:
        """Hear that one more piece is done."""

    def end(self) -> None:
        """Hear that the work begun last has ended."""

    def result(self, result: Result, reused: bool) -> None:
        """Hear of a submission's result."""


class Silence:
    """A listener that shows nothing."""

    def say(self, text: str) -> None:
        """Ignore it."""

    def begin(self, what: str, total: int, done: int) -> None:
        """Ignore it."""

    def advance(self) -> None:
        """Ignore it."""

    def end(self) -> None:
        """Ignore it."""

    def result(self, result: Result, reused: bool) -> None:
        """Ignore it."""
