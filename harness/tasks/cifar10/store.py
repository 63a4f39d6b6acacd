"""The arrays of one edition on disk: read with every byte checked, or replaced."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.tasks.cifar10.array_files import ArrayForm, FileSum, array_forms
from harness.tasks.cifar10.binary import Edition

_MANIFEST = "manifest.json"
_FORMAT = 1


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


def read_store(folder: Path, edition: Edition) -> Cifar10:
    """Map the arrays into memory after checking all their bytes.

    Every read compares the SHA-1 of each whole file with the manifest. That takes a
    tenth of a second for CIFAR-10, so nothing is taken on trust from a time stamp,
    and one flipped byte is noticed however it came about.

    Parameters
    ----------
    folder : Path
        What `write_manifest` completed.
    edition : Edition
        What must be in it.

    Returns
    -------
    Cifar10
        Read-only arrays.

    Raises
    ------
    StoreMiss
        When the folder is missing, incomplete, damaged or of something else.
    """
    try:
        sums = _manifest(folder, edition)
        arrays = {
            name: _checked_array(folder / name, form, sums)
            for name, form in array_forms(edition).items()
        }
    except OSError as error:
        raise StoreMiss(f"cannot be read ({error.strerror})") from error
    return Cifar10(
        train_images=arrays["train_images.npy"],
        train_targets=arrays["train_targets.npy"],
        test_images=arrays["test_images.npy"],
        test_targets=arrays["test_targets.npy"],
    )


def write_manifest(folder: Path, edition: Edition, sums: Mapping[str, FileSum]) -> None:
    """Complete a folder of arrays; to be called last.

    Parameters
    ----------
    folder : Path
        Holds the arrays.
    edition : Edition
        What they are.
    sums : mapping of str to FileSum
        Size and SHA-1 of each file.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    manifest = _manifest_of(edition, {name: asdict(s) for name, s in sums.items()})
    with (folder / _MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def _manifest_of(edition: Edition, files: object) -> dict[str, object]:
    return {"format": _FORMAT, "data_hash": edition.data_hash, "files": files}


def _manifest(folder: Path, edition: Edition) -> Mapping[str, FileSum]:
    path = folder / _MANIFEST
    if not path.exists():
        raise StoreMiss("is not there" if not folder.exists() else "is half-written")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        files = content["files"]
        sums = {name: FileSum(**files[name]) for name in array_forms(edition)}
    except (ValueError, KeyError, TypeError) as error:
        raise StoreMiss(f"has a broken {_MANIFEST}") from error
    if content != _manifest_of(edition, files):
        raise StoreMiss("is of another format or edition")
    return sums


def _checked_array(
    path: Path, form: ArrayForm, sums: Mapping[str, FileSum]
) -> NDArray[Any]:
    """Map one file; the cheap checks come first."""
    if path.stat().st_size != sums[path.name].bytes:
        raise StoreMiss(f"has a {path.name} of another size than written")
    with path.open("rb") as file:
        sha1 = hashlib.file_digest(file, _sha1).hexdigest()
    if sha1 != sums[path.name].sha1:
        raise StoreMiss(f"has a {path.name} with other bytes than written")
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise StoreMiss(f"has a {path.name} that is no array") from error
    if (array.shape, array.dtype) != form:
        raise StoreMiss(f"has a {path.name} of another shape or type")
    return array


def _sha1() -> "hashlib._Hash":
    return hashlib.sha1(usedforsecurity=False)
