"""Read a batch of ``cifar-10-batches-py``, a pickle from outside, without running it.

A pickle can name any function and have it called. These batches need three names of
numpy, and even those are not given to them: each name stands for an inert object that
only remembers the state it is handed, from which the pixels are then taken by hand.
"""

import io
import pickle
from pathlib import Path
from typing import Self

import numpy as np

from harness.tasks.cifar10.binary import IMAGE_BYTES, Batch
from harness.tasks.cifar10.source import SourceError

#: A batch has 31 MB; what is far larger is none and is not read at all.
LARGEST_FILE = 64_000_000

_ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
}


def read_pickled_batch(path: Path) -> Batch:
    """Read one batch of the Python version.

    Parameters
    ----------
    path : Path
        A file such as ``data_batch_1``.

    Returns
    -------
    Batch
        N images; whether they are CIFAR-10's is for the sums to tell.

    Raises
    ------
    SourceError
        When the file cannot be read, is no such batch, or names anything that a
        batch does not need. Nothing that the file names is imported or called.
    """
    try:
        content = _content(path)
        return _batch(_BatchUnpickler(io.BytesIO(content), encoding="bytes").load())
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read ({error.strerror})") from error
    except SourceError as error:
        raise SourceError(f"{path.name} {error}") from error
    # Bytes that are no pickle make the unpickler raise nearly anything, as its
    # documentation warns; all of it means the same here.
    except Exception as error:
        raise SourceError(f"{path.name} is no pickled CIFAR-10 batch") from error


class _Inert:
    """Stands for whatever a pickle asks to build."""

    state: object = None

    def __call__(self, *args: object) -> Self:
        return type(self)()

    def __setstate__(self, state: object) -> None:
        self.state = state


class _BatchUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> _Inert:
        if (module_name, global_name) not in _ALLOWED:
            raise SourceError(
                f"asks for {module_name}.{global_name}, which no batch needs"
            )
        return _Inert()


def _content(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_FILE:
        raise SourceError(f"is larger than {LARGEST_FILE // 1_000_000} MB")
    return path.read_bytes()


def _batch(loaded: dict[bytes, object]) -> Batch:
    """Take labels and pixels from the dict that a batch is."""
    labels = np.array(loaded[b"labels"], dtype=np.uint8)
    array = loaded[b"data"]
    if not isinstance(array, _Inert) or not isinstance(array.state, tuple):
        raise SourceError("holds no array of pixels")
    # numpy's own state of an array: version, shape, dtype, column order, raw bytes.
    pixels = array.state[4]
    if not isinstance(pixels, bytes) or len(pixels) != labels.size * IMAGE_BYTES:
        raise SourceError("holds another number of pixels than its labels need")
    planes = np.frombuffer(pixels, dtype=np.uint8).reshape(labels.size, IMAGE_BYTES)
    return Batch(labels.ravel(), planes)
