"""Scorers that work with the session's executor, and all that a test looks at."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.results.schema import Result
from harness.sandbox import Level, Sandbox
from harness.scoring.scorer import Scorer


@dataclass
class Heard:
    """A listener that remembers."""

    lines: list[str] = field(default_factory=list)
    begun: list[tuple[str, int, int]] = field(default_factory=list)
    advanced: int = 0
    results: list[tuple[Result, bool]] = field(default_factory=list)
    on_advance: Callable[[], None] = lambda: None
    goal: int = 0

    def say(self, text: str) -> None:
        self.lines.append(text)

    def begin(self, what: str, total: int, done: int) -> None:
        self.begun.append((what, total, done))

    def advance(self) -> None:
        self.advanced += 1
        self.on_advance()

    def end(self) -> None:
        pass

    def result(self, result: Result, reused: bool) -> None:
        self.results.append((result, reused))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def score(settings, executor, heard) -> Callable[..., Result]:
    """Score a file once, with a scorer of its own."""

    def make(path: Path, **changes: object) -> Result:
        isolation = Sandbox(Level.NONE)
        with Scorer(settings(**changes), heard, isolation) as scorer:
            return scorer.score(path)

    return make


@pytest.fixture
def result_folder(tmp_path) -> Callable[..., Path]:
    """The one folder that holds the results of a submission."""

    def find(name: str = "method", n: int = 4) -> Path:
        (found,) = (tmp_path / "runs" / "tiny" / name).glob(f"*-n{n}")
        return found

    return find


@dataclass
class Desk:
    """All that a scoring test handles."""

    score: Callable[..., Result]
    executor: Any
    heard: Heard
    folder: Callable[..., Path]

    def repeated(self) -> list[int]:
        """Indices of the runs started since this was asked last."""
        started = sorted(self.executor.started)
        self.executor.started.clear()
        return started


@pytest.fixture
def desk(score, executor, heard, result_folder) -> Desk:
    return Desk(score, executor, heard, result_folder)
