"""A tiny track of real CIFAR-10, its bank, and the command line in this process."""

import fcntl
import io
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import settings

from harness.cli.entry import run
from harness.execution.local import Job, LocalExecutor, Outcome
from harness.reference import ReferenceBank
from harness.reference.build import build_bank
from harness.reference.plan import BuildPlan
from harness.sandbox import Level, Sandbox
from harness.storage.cache import CACHE_VARIABLE, cache_root
from harness.tasks.base import Sets, Task
from harness.tasks.cifar10 import Cifar10, load_cifar10
from harness.tasks.cifar10.binary import Edition
from harness.tasks.cifar10.store import read_store
from harness.tasks.registry import find_task
from harness.track import Track, find_track
from tests.forking import forked

if TYPE_CHECKING:
    from harness.execution.local import Job, Outcome
    from harness.scoring.settings import ScoreSettings

TINY = """\
name = "tiny"
description = "400 images, 50 to forget"
device = "cpu"

[data]
dataset = "cifar10"
train_size = 400
forget_size = 50
validation_size = 100
test_size = 200
split_seed = 1

[network]
name = "small-cnn"

[recipe]
epochs = 2
batch_size = 32
learning_rate = 0.1
warmup_fraction = 0.2
momentum = 0.9
weight_decay = 5e-4
augmentation = "flip"

[evaluation]
n_models = 4
bank_size = 8
cap = 1.0
delta = 1e-5
"""

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


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class CountingExecutor:
    """Does its work through an executor that others use too, and counts the runs."""

    executor: LocalExecutor
    started: list[int] = field(default_factory=list)
    opened: int = 0

    def work(self, jobs: "Sequence[Job]") -> "Iterator[Outcome]":
        self.started += [job.index for job in jobs]
        return self.executor.work(jobs)

    def close(self) -> None:
        """Stay open for the next test."""

    def __enter__(self) -> "CountingExecutor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# The same inputs in every session: a change is to blame for a failure, not chance.
settings.register_profile("steady", derandomize=True, database=None, deadline=None)
settings.load_profile("steady")


#: Begun first, so that no core is idle while the other ends them.
_SLOWEST = (
    "faults/test_kills.py",
    "reference/test_build.py",
    "cli/test_interruption.py",
    "test_notebook.py",
    "test_api.py",
    "test_own_data.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.path.as_posix().endswith(_SLOWEST))


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C reach what tests start, also where a shell's background ignores it."""
    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_user() -> Iterator[None]:
    """Keep the user's ``UNLEARN_EVAL_*`` from changing what the tests do."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("UNLEARN_EVAL_")]:
            if name not in (CACHE_VARIABLE, "UNLEARN_EVAL_DATA"):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def _forked_workers() -> Iterator[None]:
    """Fork workers from a process that has torch, three seconds of a core each."""
    with closing(forked.READY), pytest.MonkeyPatch.context() as patch:
        patch.setattr("harness.processes.worker.subprocess", forked.FORKING)
        patch.setattr(forked.loky, "fork_exec", forked.fork_for_joblib)
        yield


@pytest.fixture(scope="session", autouse=True)
def _data_checked_once() -> Iterator[None]:
    """Check CIFAR-10 once a process where a cache of a test links to the user's."""
    check_once = lru_cache(read_store)

    def read(folder: Path, edition: Edition) -> Cifar10:
        if folder.is_symlink():
            return check_once(folder.resolve(), edition)
        return read_store(folder, edition)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harness.tasks.cifar10.cache.read_store", read)
        yield


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory) -> Path:
    """One folder for all processes of this test session."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def user_cache() -> Path:
    """Where CIFAR-10 lies for good; fetched there at the first session."""
    load_cifar10()
    return cache_root()


@pytest.fixture(scope="session")
def cache(user_cache, session_folder) -> Iterator[Path]:
    """The session's cache, with CIFAR-10 in it: banks and calibrations go here."""
    folder = _cache_with_data(session_folder / "cache", user_cache)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder))
        patch.delenv("UNLEARN_EVAL_DATA", raising=False)
        yield folder


@pytest.fixture
def own_cache(cache, user_cache, tmp_path, monkeypatch) -> Path:
    """A cache for one test alone, with CIFAR-10 in it and nothing else."""
    folder = _cache_with_data(tmp_path / "own-cache", user_cache)
    monkeypatch.setenv(CACHE_VARIABLE, str(folder))
    return folder


def _cache_with_data(folder: Path, user_cache: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for store in user_cache.glob("cifar10-*"):
        with suppress(FileExistsError):
            (folder / store.name).symlink_to(store)
    return folder


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def cifar10(cache) -> Cifar10:
    return load_cifar10()


@pytest.fixture(scope="session")
def track_file(session_folder) -> Path:
    path = session_folder / "tiny.toml"
    with _alone(session_folder / "track.lock"):
        if not path.exists():
            path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def track(track_file) -> Track:
    return find_track(str(track_file))


@pytest.fixture
def variant(tmp_path) -> Callable[..., Path]:
    """Writes the tiny track with some lines changed; returns its file."""

    def make(file: str = "variant.toml", **lines: object) -> Path:
        text = TINY
        for key, value in lines.items():
            old = next(x for x in TINY.splitlines() if x.startswith(f"{key} = "))
            text = text.replace(old, f"{key} = {value}")
        (tmp_path / file).write_text(text)
        return tmp_path / file

    return make


@pytest.fixture(scope="session")
def bank(track, cache, session_folder) -> ReferenceBank:
    """The tiny track's original model and eight retrained ones."""
    with _alone(session_folder / "bank.lock"):
        plan = BuildPlan(track=track, n_models=8, jobs=2)
        return build_bank(plan, lambda done: None)


@pytest.fixture(scope="session")
def track_of_two(session_folder) -> Track:
    """The tiny track with two original models."""
    path = session_folder / "two.toml"
    with _alone(session_folder / "track.lock"):
        if not path.exists():
            lines = TINY.replace('"tiny"', '"two"') + "originals = 2\n"
            path.write_text(lines.replace("bank_size = 8", "bank_size = 6"))
    return find_track(str(path))


@pytest.fixture(scope="session")
def bank_of_two(track_of_two, cache, session_folder) -> ReferenceBank:
    """Two original models and six retrained ones."""
    with _alone(session_folder / "bank.lock"):
        plan = BuildPlan(track=track_of_two, n_models=6, jobs=2)
        return build_bank(plan, lambda done: None)


@pytest.fixture(scope="session")
def task(track, cache) -> Task:
    return find_task(track)


@pytest.fixture(scope="session")
def split(task) -> Sets:
    return task.sets()


@pytest.fixture
def settings(track, bank, tmp_path) -> "Callable[..., ScoreSettings]":
    from harness.scoring.settings import ScoreSettings  # noqa: PLC0415

    def make(**changes: object) -> ScoreSettings:
        plain = ScoreSettings(
            track=track, n_models=4, n_jobs=1, output=tmp_path / "runs"
        )
        return replace(plain, **changes)

    return make


@pytest.fixture
def write(tmp_path) -> Callable[..., Path]:
    """Writes a submission and returns its path."""

    def make(source: str, name: str = "method.py") -> Path:
        (tmp_path / name).write_text(source)
        return tmp_path / name

    return make


@pytest.fixture
def cli(capsys) -> Callable[..., Ended]:
    """Run the command line in this process."""

    def call(*args: object) -> Ended:
        capsys.readouterr()
        code = run([str(arg) for arg in args])
        return Ended(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def open_executor(task, bank) -> Callable[..., LocalExecutor]:
    """Start one of our own, given the number of its workers and their isolation."""
    return partial(LocalExecutor, task, "cpu", bank.original_weights)


@pytest.fixture(scope="session")
def shared_executor(open_executor) -> Iterator[LocalExecutor]:
    with open_executor(2, Sandbox(Level.NONE)) as executor:
        yield executor


@pytest.fixture
def executor(shared_executor, monkeypatch) -> CountingExecutor:
    """Takes the place of the executor that a scorer would start."""
    counting = CountingExecutor(shared_executor)

    def opened(*_: object) -> CountingExecutor:
        counting.opened += 1
        return counting

    for module in ("scorer", "validation"):
        monkeypatch.setattr(f"harness.scoring.{module}.LocalExecutor", opened)
    return counting


@pytest.fixture(scope="session")
def saved() -> Callable[..., bytes]:
    """The bytes that ``torch.save`` writes."""

    def save(content: object, **options: object) -> bytes:
        import torch  # noqa: PLC0415 - takes a second that most tests do not need

        buffer = io.BytesIO()
        torch.save(content, buffer, **options)
        return buffer.getvalue()

    return save


@pytest.fixture
def method(write) -> Path:
    """A cheap submission whose every seed gives another model."""
    return write(METHOD)
