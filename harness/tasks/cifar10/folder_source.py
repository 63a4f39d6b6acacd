"""CIFAR-10 from a folder ``cifar-10-batches-py`` that is already there."""

import hashlib
import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harness.errors import UsageError
from harness.tasks.cifar10.binary import BATCH_NAMES, Batch, Edition
from harness.tasks.cifar10.progress import Progress
from harness.tasks.cifar10.source import SourceError

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


def read_pickled_batch(path: Path, md5: str) -> Batch:
    """Read one batch of the Python version, which is published with a hex `md5`.

    A pickle can have any function called, so nothing of it is unpickled before its sum
    is found to be the published one. A second file of the same MD5 can be made only
    together with the first, which its authors did in 2009.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read ({error.strerror})") from error
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise SourceError(f"{path.name} has MD5 {found}, not the published {md5}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy dislikes the age of these pickles
        loaded = pickle.loads(content, encoding="bytes")
    return Batch(np.array(loaded[b"labels"], dtype=np.uint8), loaded[b"data"])


def find_batches_folder(data_dir: Path) -> Path:
    """Find ``cifar-10-batches-py``, or its parent, where the user says that it is."""
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
