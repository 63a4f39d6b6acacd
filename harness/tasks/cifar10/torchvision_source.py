"""CIFAR-10 as ``torchvision.datasets.CIFAR10`` downloads it."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.tasks.cifar10.binary import Batch, Edition
from harness.tasks.cifar10.download import run_download
from harness.tasks.cifar10.folder_source import FOLDER_NAME, FolderSource
from harness.tasks.cifar10.progress import Progress
from harness.tasks.cifar10.source import SourceError

_ARCHIVE_BYTES = 170_498_071
_PATIENCE_SECONDS = 60.0


class TorchvisionSource:
    """torchvision's own download, in a process of its own.

    A child keeps torchvision's noise off the terminal, lets a stalled connection be
    ended, and makes a torchvision that does not fit its torch one more reason to go
    on to the next source. The pickles it leaves are read like anybody else's. Tests
    give another `downloader`: a program that is told the folder as its last argument.
    """

    name = "torchvision"

    def __init__(
        self, edition: Edition, downloader: Sequence[str] | None = None
    ) -> None:
        self._edition = edition
        # -P: a file of the user's called torch.py must not be imported instead.
        script = Path(__file__).with_name("torchvision_download.py")
        self._downloader = downloader or (sys.executable, "-P", str(script))

    def batches(self, workspace: Path, progress: Progress) -> Iterator[Batch]:
        """Download, then read the pickles; see `Source.batches`."""
        progress.start("Downloading CIFAR-10 (torchvision)", _ARCHIVE_BYTES)
        ended = run_download(
            [*self._downloader, str(workspace)],
            workspace,
            progress,
            patience=_PATIENCE_SECONDS,
        )
        if ended.exit_code != 0:
            raise SourceError(ended.lines[-1] if ended.lines else "failed silently")
        folder = FolderSource(workspace / FOLDER_NAME, self._edition)
        yield from folder.batches(workspace, progress)
