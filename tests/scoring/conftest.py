"""One judge for the whole session, and scorers that work with it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.results.schema import Result
from harness.runner.isolation import ProcessBoundary
from harness.scoring.judge import Bench, Job, Judge, Outcome
from harness.scoring.scorer import Scorer

#: Cheap and random: a step of gradient descent on one batch, and some noise.
METHOD = '''"""Shake the weights and take one step."""

import torch
import torch.nn.functional as F

NAME = "Shake"


def unlearning(net, retain, forget, validation):
    with torch.no_grad():
        for p in net.parameters():
            p += 0.05 * p.std() * torch.randn_like(p) if p.ndim > 1 else 0
    net.train()
    inputs, targets = next(iter(retain))
    F.cross_entropy(net(inputs), targets).backward()
    with torch.no_grad():
        for p in net.parameters():
            p -= 0.05 * p.grad
'''


@dataclass
class CountingJudge:
    """Does its work through a judge that others use too, and counts the runs."""

    judge: Judge
    started: list[int] = field(default_factory=list)
    opened: int = 0

    def work(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        self.started += [job.index for job in jobs]
        return self.judge.work(jobs)

    def close(self) -> None:
        """Stay open for the next test."""

    def __enter__(self) -> "CountingJudge":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


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


@pytest.fixture(scope="session")
def bench(track, split, bank) -> Bench:
    return Bench(track, "cpu", split, bank.original_weights)


@pytest.fixture(scope="session")
def shared_judge(bench) -> Iterator[Judge]:
    with Judge(bench, 2, ProcessBoundary()) as judge:
        yield judge


@pytest.fixture
def judge(shared_judge, monkeypatch) -> CountingJudge:
    """Takes the place of the judge that a scorer would start."""
    counting = CountingJudge(shared_judge)

    def opened(*_: object) -> CountingJudge:
        counting.opened += 1
        return counting

    for module in ("scorer", "validation"):
        monkeypatch.setattr(f"harness.scoring.{module}.Judge", opened)
    return counting


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def score(settings, judge, heard) -> Callable[..., Result]:
    """Score a file once, with a scorer of its own."""

    def make(path: Path, **changes: object) -> Result:
        isolation = ProcessBoundary()
        with Scorer(settings(**changes), heard, isolation) as scorer:
            return scorer.score(path)

    return make


@pytest.fixture
def method(write) -> Path:
    """A cheap submission whose every seed gives another model."""
    return write(METHOD)


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
    judge: CountingJudge
    heard: Heard
    folder: Callable[..., Path]

    def repeated(self) -> list[int]:
        """Indices of the runs started since this was asked last."""
        started = sorted(self.judge.started)
        self.judge.started.clear()
        return started


@pytest.fixture
def desk(score, judge, heard, result_folder) -> Desk:
    return Desk(score, judge, heard, result_folder)
