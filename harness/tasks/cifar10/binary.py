"""CIFAR-10's binary version: the one form in which every source is compared."""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SIDE = 32
CHANNELS = 3
PLANE_BYTES = SIDE * SIDE
IMAGE_BYTES = CHANNELS * PLANE_BYTES

BATCH_NAMES = (
    "data_batch_1",
    "data_batch_2",
    "data_batch_3",
    "data_batch_4",
    "data_batch_5",
    "test_batch",
)
TRAIN_BATCHES = 5


class Batch(NamedTuple):
    """One of the six files in which CIFAR-10 is published.

    Labels ``[N]``; planes ``[N, 3072]``: 1024 red, 1024 green and 1024 blue values an
    image, row by row.
    """

    labels: NDArray[np.uint8]
    planes: NDArray[np.uint8]

    def sha1(self) -> str:
        """Hex SHA-1 over the label byte and the planes of each image in turn."""
        records = np.empty((len(self.labels), 1 + IMAGE_BYTES), dtype=np.uint8)
        records[:, 0] = self.labels
        records[:, 1:] = self.planes
        return hashlib.sha1(records.data, usedforsecurity=False).hexdigest()

    def images(self) -> NDArray[np.uint8]:
        """View the images as ``[N, 32, 32, 3]``, red first."""
        return self.planes.reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1)


@dataclass(frozen=True)
class Edition:
    """What the six batches of a data set must be.

    `sums` are the SHA-1 of each in its binary version, `pickle_sums` the MD5 of each in
    its Python version, both in the order of ``BATCH_NAMES``; `arrays_sha256` is over
    the arrays that are made of all.
    """

    images_per_batch: int
    sums: tuple[str, ...]
    pickle_sums: tuple[str, ...]
    arrays_sha256: str

    @property
    def data_hash(self) -> str:
        """Stable identity of the data: SHA-256 over the sums, one a line."""
        return hashlib.sha256("\n".join(self.sums).encode()).hexdigest()

    @property
    def batch_bytes(self) -> int:
        """Size of one batch in its binary version, in bytes."""
        return self.images_per_batch * (1 + IMAGE_BYTES)


#: The sums that MXNet publishes for the binary version of CIFAR-10, and torchvision
#: for the Python version.
CIFAR10 = Edition(
    images_per_batch=10_000,
    sums=(
        "aadd24acce27caa71bf4b10992e9e7b2d74c2540",
        "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795",
        "1dd00a74ab1d17a6e7d73e185b69dbf31242f295",
        "aab85764eb3584312d3c7f65fd2fd016e36a258e",
        "26e2849e66a845b7f1e4614ae70f4889ae604628",
        "67eb016db431130d61cd03c7ad570b013799c88c",
    ),
    pickle_sums=(
        "c99cafc152244af753f735de768cd75f",
        "d4bba439e000b95fd0a9bffe97cbabec",
        "54ebc095f3ab1f0389bbae665268c751",
        "634d18415352ddfa80567beed471001a",
        "482c414d41f54cd18b22e5b47cb7c3cb",
        "40351d587109b95175f43aff81a1287e",
    ),
    arrays_sha256="5c34a9cb2e882eb5fb8df9c7c132224c9b6ef21bf5cc8b47026884324b961b8c",
)
