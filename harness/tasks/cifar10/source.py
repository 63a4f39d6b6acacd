"""What a source of CIFAR-10 is, and how it says no."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from harness.tasks.cifar10.binary import Batch
from harness.tasks.cifar10.progress import Progress


class SourceError(Exception):
    """A source cannot give the data; its text is the reason, in a few words."""


class Source(Protocol):
    """A place that the six batches can be had from."""

    @property
    def name(self) -> str:
        """How messages call this source."""

    def batches(self, workspace: Path, progress: Progress) -> Iterator[Batch]:
        """Give the six batches in the order of ``BATCH_NAMES``, or a `SourceError`.

        The caller checks them against the published sums. `workspace` is an empty
        folder for whatever must be put on disk, and is removed afterwards.
        """
