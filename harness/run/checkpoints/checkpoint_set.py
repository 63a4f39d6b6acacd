"""A set of checkpoints to score: vetted and hashed, and not one of them read."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import ClassVar

from harness.errors import UsageError
from harness.plain_text import harmless, spreadsheet_text
from harness.run.checkpoints.selection import select
from harness.run.cost import Budget, limit_at
from harness.run.messages import CheckpointRequest, Failure, largest_checkpoint
from harness.run.submission import submission_name
from harness.seeds import derive_seed
from harness.status import Status
from harness.storage.containers import Refused, open_container
from harness.storage.files import sha256_of

#: Torch itself takes most of it; the rest holds a checkpoint in all its precisions.
_MEMORY_BYTES, _COPIES = 4 << 30, 4
_LIMIT_SECONDS = 120.0
_KIND = "a checkpoint of this track's network"


@dataclass(frozen=True)
class Checkpoint:
    """One file of a set: its number, path in the folder or zip, unpacked size, hash."""

    number: int
    file: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True)
class CheckpointSet:
    """N checkpoints that were made elsewhere, in the order of their numbers.

    `problems` say why it cannot be scored; files of more than `largest` bytes cannot.
    """

    name: str
    path: Path
    checkpoints: tuple[Checkpoint, ...] = ()
    problems: tuple[str, ...] = ()
    largest: int = 0
    summary: ClassVar[str] = ""
    authors: ClassVar[str] = ""
    url: ClassVar[str] = ""
    notes: ClassVar[tuple[str, ...]] = ()
    is_reference: ClassVar[bool] = False
    #: Nobody here knows what they have cost.
    made_elsewhere: ClassVar[bool] = True

    @property
    def title(self) -> str:
        """The name, and what it is."""
        return f"{harmless(self.name)} (checkpoints)"

    @property
    def sha256(self) -> str:
        """Hex digest of the contents in their order: the same in a folder and a zip."""
        lines = "\n".join(checkpoint.sha256 for checkpoint in self.checkpoints)
        return sha256_of(f"checkpoints\n{lines}".encode())

    def read(self, checkpoint: Checkpoint) -> bytes:
        """Read one checkpoint, if its bytes are still those that were vetted."""
        try:
            container = open_container(self.path, _KIND)
            content = container.read(checkpoint.file, self.largest)
        except Refused:
            content = b""
        if sha256_of(content) != checkpoint.sha256:
            raise UsageError(
                f"{harmless(checkpoint.file)} of {self.path} changed while it was "
                "being scored; score it again."
            )
        return content

    def seeds(self, drawn: Sequence[int]) -> list[int]:
        """Stand-ins for seeds: another content is another run."""
        del drawn
        return [derive_seed("checkpoint", c.sha256) for c in self.checkpoints]

    def request(
        self, index: int, seed: int, device: str, budget: Budget | None
    ) -> CheckpointRequest:
        """Ask for one to be read, confined as a run is."""
        del device, budget
        read = partial(self.read, self.checkpoints[index])
        memory = _MEMORY_BYTES + _COPIES * self.largest
        return CheckpointRequest(read, seed, memory, limit_at(_LIMIT_SECONDS, "cpu"))

    def failure_reason(self, index: int, seed: int, failure: Failure) -> str:
        """Say which checkpoint it was."""
        del seed
        subject = f"checkpoint {self.checkpoints[index].number}"
        reason = failure.reason.replace("it returned weights", "it holds weights")
        if failure.status is Status.TIMEOUT:
            reason = f"it could not be read in {_LIMIT_SECONDS:.0f} s."
        if reason.startswith("it "):
            return f"{subject} {reason.removeprefix('it ')}"
        return f"{subject}: {reason}"

    def repeat_command(self, seed: int, options: str) -> str:
        """Nothing: to read it again is to score it again."""
        del seed, options
        return ""

    def kept(self) -> tuple[str, str]:
        """List what is scored: number, file, size and hash; not the weights."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(field.name for field in fields(Checkpoint))
        for one in self.checkpoints:
            file = spreadsheet_text(one.file)
            writer.writerow((one.number, file, one.n_bytes, one.sha256))
        return "checkpoints.csv", buffer.getvalue()


def read_checkpoints(path: Path, n_models: int, n_bytes: int) -> CheckpointSet:
    """Find, vet and hash N checkpoints; what is wrong is collected, not raised.

    The weights of the track's network have `n_bytes` in single precision.
    """
    if not path.exists():
        raise UsageError(f"there is no file {path}; give a zip of checkpoints.")
    name = submission_name(path)
    container, largest = open_container(path, _KIND), largest_checkpoint(n_bytes)
    try:
        chosen = select(container.names(), n_models)
        checkpoints = []
        for number, file in chosen:
            content = container.read(file, largest)
            sha256 = sha256_of(content)
            checkpoints.append(Checkpoint(number, file, len(content), sha256))
    except Refused as error:
        return CheckpointSet(name, path, problems=(str(error),), largest=largest)
    return CheckpointSet(name, path, tuple(checkpoints), (), largest)
