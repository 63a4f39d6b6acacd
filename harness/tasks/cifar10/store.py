"""The arrays of one edition on disk: read with every byte checked, or replaced."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from tokenize import TokenError
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from harness.tasks.cifar10.binary import BATCH_NAMES, TRAIN_BATCHES, Batch, Edition
from harness.tasks.cifar10.progress import Progress
from harness.tasks.cifar10.source import SourceError


class StoreMiss(Exception):
    """There is nothing usable in the store; its text says why."""


class Cifar10(NamedTuple):
    """The data set; its arrays are mapped into memory and cannot be written.

    Attributes
    ----------
    train_images : ndarray of uint8, [50000, 32, 32, 3]
        Height, width, channel (red, green, blue), in the order of batches 1 to 5.
    train_targets : ndarray of int64, [50000]
        Classes 0 to 9.
    test_images : ndarray of uint8, [10000, 32, 32, 3]
        As the training images.
    test_targets : ndarray of int64, [10000]
        Classes 0 to 9.
    """

    train_images: NDArray[np.uint8]
    train_targets: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_targets: NDArray[np.int64]

    @classmethod
    def of(cls, batches: Iterable[Batch]) -> "Cifar10":
        """Join the six batches."""
        given = list(batches)
        train, test = given[:TRAIN_BATCHES], given[TRAIN_BATCHES:]
        return cls(*_joined(train), *_joined(test))

    def sha256(self) -> str:
        """Hex digest over the four arrays, with their types and shapes."""
        total = hashlib.sha256()
        for array in self:
            total.update(f"{array.dtype.str} {array.shape}\n".encode())
            total.update(array.data)
        return total.hexdigest()


def read_store(folder: Path, edition: Edition) -> Cifar10:
    """Map the arrays into memory after checking all their bytes.

    Every read computes the sum over all arrays. That takes a tenth of a second for
    CIFAR-10, so nothing is taken on trust from a time stamp, and one flipped byte is
    noticed however it came about.
    """
    if not folder.exists():
        raise StoreMiss("is not there")
    data = Cifar10(*(_mapped(folder / f"{name}.npy") for name in Cifar10._fields))
    if data.sha256() != edition.arrays_sha256:
        raise StoreMiss("has other bytes than CIFAR-10")
    return data


def write_store(
    folder: Path, edition: Edition, batches: Iterable[Batch], progress: Progress
) -> None:
    """Check six batches, in order, against their sums and write them as four arrays."""
    data = Cifar10.of(_checked(batches, edition, progress))
    for name, array in data._asdict().items():
        _write(folder / f"{name}.npy", array)


def _joined(batches: list[Batch]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    images = np.concatenate([batch.images() for batch in batches])
    labels = np.concatenate([batch.labels for batch in batches])
    return np.ascontiguousarray(images), labels.astype("<i8")


def _checked(
    batches: Iterable[Batch], edition: Edition, progress: Progress
) -> Iterator[Batch]:
    given = zip(BATCH_NAMES, edition.sums, batches, strict=True)
    for index, (name, expected, batch) in enumerate(given):
        if index == 0:
            total = len(BATCH_NAMES) * edition.batch_bytes
            progress.start("Checking CIFAR-10", total)
        found = batch.sha1()
        if found != expected:
            raise SourceError(f"{name} has SHA-1 {found}, not {expected}")
        progress.reach((index + 1) * edition.batch_bytes)
        yield batch


def _write(path: Path, array: NDArray[Any]) -> None:
    """Write an array through to the disk.

    Not with numpy's own writing, whose error does not say that the disk is full, and
    not mapped, where a full disk is a crash.
    """
    with path.open("wb") as file:
        npy.write_array_header_1_0(file, npy.header_data_from_array_1_0(array))
        file.write(array.data)
        file.flush()
        os.fsync(file.fileno())


def _mapped(path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        whole = array.offset + array.nbytes  # type: ignore[attr-defined]
        if path.stat().st_size != whole or not array.flags.c_contiguous:
            raise StoreMiss(f"has a {path.name} of another size than written")
    except OSError as error:
        raise StoreMiss(f"cannot be read ({error.strerror})") from error
    except (ValueError, EOFError, SyntaxError, TokenError) as error:
        raise StoreMiss(f"has a {path.name} that is no array") from error
    return array
