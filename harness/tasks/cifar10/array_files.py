"""Write the batches of CIFAR-10 as the arrays that are mapped into memory."""

import hashlib
import io
import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.processes.lifetime import Closing
from harness.tasks.cifar10.binary import (
    BATCH_NAMES,
    CHANNELS,
    SIDE,
    TRAIN_BATCHES,
    Batch,
    Edition,
)
from harness.tasks.cifar10.progress import Progress
from harness.tasks.cifar10.source import SourceError


class ArrayForm(NamedTuple):
    """Shape and type of an array on disk."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class FileSum:
    """Size in bytes and SHA-1 of a file."""

    bytes: int
    sha1: str


def array_forms(edition: Edition) -> Mapping[str, ArrayForm]:
    """Return the form of each array of an edition, by the name of its file.

    Parameters
    ----------
    edition : Edition
        Tells how many images there are.

    Returns
    -------
    mapping of str to ArrayForm
        Images uint8 [S, 32, 32, 3] and targets int64 [S], for train and test.
    """
    forms = {}
    test = edition.images_per_batch
    for part, size in (("train", TRAIN_BATCHES * test), ("test", test)):
        images = ArrayForm((size, SIDE, SIDE, CHANNELS), np.dtype(np.uint8))
        forms[f"{part}_images.npy"] = images
        forms[f"{part}_targets.npy"] = ArrayForm((size,), np.dtype(np.int64))
    return forms


def write_arrays(
    folder: Path, edition: Edition, batches: Iterable[Batch], progress: Progress
) -> Mapping[str, FileSum]:
    """Check six batches against their sums and write them as four arrays.

    Parameters
    ----------
    folder : Path
        Receives the files; older ones of the same names are replaced.
    edition : Edition
        What the batches must be.
    batches : iterable of Batch
        In the order of ``BATCH_NAMES``; taken one at a time.
    progress : Progress
        Told the bytes written.

    Returns
    -------
    mapping of str to FileSum
        By file name; the files are on disk (fsync) by then.

    Raises
    ------
    SourceError
        At the first batch whose SHA-1 is another one.
    OSError
        When the files cannot be written.
    """
    with ExitStack() as stack:
        files = {
            name: stack.enter_context(ArrayWriter(folder / name, form))
            for name, form in array_forms(edition).items()
        }
        for index, batch in enumerate(_checked(batches, edition)):
            if index == 0:
                _announce(edition, progress)
            part = "train" if index < TRAIN_BATCHES else "test"
            files[f"{part}_images.npy"].append(batch.images())
            files[f"{part}_targets.npy"].append(batch.labels)
            progress.reach((index + 1) * edition.batch_bytes)
        return {name: file.finish() for name, file in files.items()}


class ArrayWriter(Closing):
    """A ``.npy`` file written piece by piece.

    It is written, not mapped: a full disk then is an error and not a crash.

    Parameters
    ----------
    path : Path
        The file.
    form : ArrayForm
        What the pieces make up in the end.
    """

    def __init__(self, path: Path, form: ArrayForm) -> None:
        self._dtype = form.dtype
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._file = path.open("wb")
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header,
            {
                "descr": np.lib.format.dtype_to_descr(form.dtype),
                "fortran_order": False,
                "shape": form.shape,
            },
        )
        self._write(header.getvalue())

    def close(self) -> None:
        """Close the file; safe to repeat."""
        self._file.close()

    def append(self, piece: NDArray[np.uint8]) -> None:
        """Add the next rows, converted to the array's type."""
        self._write(np.ascontiguousarray(piece, dtype=self._dtype).tobytes())

    def finish(self) -> FileSum:
        """Bring the file to the disk and return its sum."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return FileSum(self._file.tell(), self._sha1.hexdigest())

    def _write(self, content: bytes) -> None:
        self._file.write(content)
        self._sha1.update(content)


def _checked(batches: Iterable[Batch], edition: Edition) -> Iterable[Batch]:
    for name, expected, batch in zip(BATCH_NAMES, edition.sums, batches, strict=True):
        found = batch.sha1()
        if found != expected:
            raise SourceError(f"{name} has SHA-1 {found}, not {expected}")
        yield batch


def _announce(edition: Edition, progress: Progress) -> None:
    progress.start("Checking CIFAR-10", len(BATCH_NAMES) * edition.batch_bytes)
