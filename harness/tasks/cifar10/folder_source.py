"""CIFAR-10 from a folder ``cifar-10-batches-py`` that is already there."""

from collections.abc import Iterator
from pathlib import Path

from harness.errors import UsageError
from harness.tasks.cifar10.binary import BATCH_NAMES, Batch, Edition
from harness.tasks.cifar10.pickled_batch import read_pickled_batch
from harness.tasks.cifar10.progress import Progress

FOLDER_NAME = "cifar-10-batches-py"


class FolderSource:
    """The six pickles of the Python version in a folder."""

    name = "--data-dir"

    def __init__(self, folder: Path, edition: Edition) -> None:
        self._folder, self._edition = folder, edition

    def batches(self, workspace: Path, progress: Progress) -> Iterator[Batch]:
        """Read the pickles one after the other; see `Source.batches`."""
        for name, md5 in zip(BATCH_NAMES, self._edition.pickle_sums, strict=True):
            yield read_pickled_batch(self._folder / name, md5)


def find_batches_folder(data_dir: Path) -> Path:
    """Find ``cifar-10-batches-py``, or its parent, where the user says that it is.

    Raises
    ------
    UsageError
        When neither is such a folder.
    """
    named = data_dir.expanduser().absolute()
    try:
        for folder in (named, named / FOLDER_NAME):
            if (folder / BATCH_NAMES[0]).is_file():
                return folder
    except OSError as error:
        raise UsageError(
            f"--data-dir {data_dir} cannot be read ({error.strerror}): give a folder "
            "that you can read, or leave it out to download CIFAR-10."
        ) from error
    raise UsageError(
        f"No {FOLDER_NAME} at {data_dir}: give --data-dir (or UNLEARN_EVAL_DATA) the "
        f"unpacked folder {FOLDER_NAME} or its parent, or leave it out to download "
        "CIFAR-10."
    )
