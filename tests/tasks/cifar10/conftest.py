"""Real CIFAR-10, once a session, and small fakes of it."""

import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from harness.tasks.cifar10 import Cifar10, load_cifar10
from harness.tasks.cifar10.binary import BATCH_NAMES, Batch, Edition
from harness.tasks.cifar10.progress import Progress

N_IMAGES = 4


@pytest.fixture(scope="session")
def cifar10() -> Cifar10:
    """CIFAR-10 from the user's own cache; fetched there at the first session."""
    return load_cifar10()


@pytest.fixture(scope="session")
def batches() -> tuple[Batch, ...]:
    rng = np.random.default_rng(0)
    return tuple(
        Batch(
            rng.integers(0, 10, N_IMAGES, dtype=np.uint8),
            rng.integers(0, 256, (N_IMAGES, 3072), dtype=np.uint8),
        )
        for _ in BATCH_NAMES
    )


@pytest.fixture(scope="session")
def edition(batches) -> Edition:
    return Edition(
        N_IMAGES,
        tuple(batch.sha1() for batch in batches),
        tuple(hashlib.md5(_pickled(batch)).hexdigest() for batch in batches),
        Cifar10.of(batches).sha256(),
    )


@dataclass
class FakeSource:
    """Gives what it is made with; counts how often it is asked."""

    given: Sequence[Batch]
    name: str = "fake"
    error: BaseException | None = None
    asked: int = 0
    workspaces: list[Path] = field(default_factory=list)

    def batches(self, workspace: Path, progress: Progress) -> Iterator[Batch]:
        self.asked += 1
        self.workspaces.append(workspace)
        (workspace / "downloaded").write_bytes(b"much")
        yield from self.given[:3]
        if self.error is not None:
            raise self.error
        yield from self.given[3:]


@dataclass
class RecordedProgress:
    """Remembers all it is told."""

    lines: list[str] = field(default_factory=list)
    stages: list[tuple[str, int | None]] = field(default_factory=list)
    reached: list[int] = field(default_factory=list)

    def say(self, line: str) -> None:
        self.lines.append(line)

    def start(self, label: str, total: int | None) -> None:
        self.stages.append((label, total))

    def reach(self, done: int) -> None:
        self.reached.append(done)


@pytest.fixture
def recorded() -> RecordedProgress:
    return RecordedProgress()


@pytest.fixture
def fake_source(batches) -> Callable[..., FakeSource]:
    def make(given: Sequence[Batch] = batches, **options: object) -> FakeSource:
        return FakeSource(given, **options)

    return make


@pytest.fixture(scope="session")
def pickled() -> Callable[[Batch], bytes]:
    """A batch as the Python 2 of its time pickled it, opcode by opcode."""
    return _pickled


@pytest.fixture(scope="session")
def write_folder() -> Callable[[Path, Sequence[Batch]], Path]:
    """Writes a folder ``cifar-10-batches-py`` into another and returns it."""

    def write(parent: Path, batches: Sequence[Batch]) -> Path:
        folder = parent / "cifar-10-batches-py"
        folder.mkdir()
        for name, batch in zip(BATCH_NAMES, batches, strict=True):
            (folder / name).write_bytes(_pickled(batch))
        return folder

    return write


def _pickled(batch: Batch) -> bytes:
    pixels = batch.planes.tobytes()
    shape = b"J" + struct.pack("<i", len(batch.labels)) + b"J" + struct.pack("<i", 3072)
    return b"".join(
        [
            b"\x80\x02}(U\x06labels](",
            *(b"K" + bytes([label]) for label in batch.labels),
            b"eU\x04data",
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n",
            b"K\x00\x85U\x01b\x87R(K\x01" + shape + b"\x86",
            b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R",
            b"(K\x03U\x01|NNN" + 2 * b"J\xff\xff\xff\xff" + b"K\x00tb",
            b"\x89T" + struct.pack("<i", len(pixels)) + pixels + b"tbu.",
        ]
    )
