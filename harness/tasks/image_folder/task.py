"""Classify the images of a folder, as torchvision's ImageFolder reads it.

A track names it ``dataset = "image-folder"``, says where the images lie with
``data.folder``, and in ``[data.options]`` how large they shall be::

    [data.options]
    image_size = 32     # shorter side scaled to it, then cut to a square
    n_classes = 4

The folder holds either one folder for each class, or ``train`` and ``test`` folders
that do.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.seeds import derive_seed
from harness.tasks.image_folder.files import (
    FolderFiles,
    ImageFile,
    folder_files,
    read_image,
)
from harness.tasks.images.task import Images, ImageTask
from harness.track.parsing import build_table
from harness.track.schema import Track, require

_SMALLEST, _LARGEST = 8, 512


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """``[data.options]``: pixels of a side, and how many folders of classes."""

    image_size: int
    n_classes: int

    def __post_init__(self) -> None:
        legal = f"from {_SMALLEST} to {_LARGEST}"
        fits = _SMALLEST <= self.image_size <= _LARGEST
        require(fits, "data.options.image_size", self.image_size, legal)
        enough = self.n_classes >= 2
        require(enough, "data.options.n_classes", self.n_classes, "at least 2")


class ImageFolderTask(ImageTask):
    """A folder of images for each class."""

    def __init__(self, track: Track, data_dir: Path | None = None) -> None:
        table = dict(track.data.options)
        self._options = build_table(FolderOptions, table, "data.options.")
        super().__init__(track, data_dir)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the folders."""
        return self._files.classes

    @property
    def n_classes(self) -> int:
        """What the track says; the folder is held to it."""
        return self._options.n_classes

    @cached_property
    def data_hash(self) -> str:
        """Digest over the names and contents of all image files, wherever they lie."""
        total = hashlib.sha256()
        parts = {"train": self._files.train, "test": self._files.held_out}
        for part, files in parts.items():
            for file in files:
                total.update(f"{part}/{file.name}\n".encode())
                total.update(hashlib.sha256(file.content()).digest())
        return total.hexdigest()

    def images(self) -> Images:
        """Read, scale and cut every image."""
        train, held_out = self._files.train, self._files.held_out
        if not held_out:
            train, held_out = self._parted(train)
        return Images(*self._arrays(train), *self._arrays(held_out))

    @property
    def _root(self) -> Path | None:
        folder = self.data_dir or self.track.data.folder
        return Path(folder) if folder else None

    @cached_property
    def _files(self) -> FolderFiles:
        if self._root is None:
            raise UsageError(
                f"the track {self.track.name} does not say where its images lie; give "
                "the folder with --data-dir, or as folder under [data]."
            )
        return folder_files(self._root, self._options.n_classes)

    def _parted(
        self, files: tuple[ImageFile, ...]
    ) -> tuple[tuple[ImageFile, ...], tuple[ImageFile, ...]]:
        """Hold out as many images as are asked for, the same ones for every split."""
        spec = self.track.data
        n_held_out = spec.validation_size + spec.test_size
        enough = len(files) >= n_held_out + spec.train_size
        legal = f"at most the {len(files)} images of the folder"
        key = "data.train_size + validation_size + test_size"
        require(enough, key, n_held_out + spec.train_size, legal)
        generator = np.random.RandomState(derive_seed("image-folder") % 2**32)
        order = generator.permutation(len(files))
        held_out, rest = sorted(order[:n_held_out]), sorted(order[n_held_out:])
        return tuple(files[i] for i in rest), tuple(files[i] for i in held_out)

    def _arrays(
        self, files: tuple[ImageFile, ...]
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        size = self._options.image_size
        images = [read_image(file, size) for file in files]
        targets = np.array([file.target for file in files], dtype=np.int64)
        return np.stack(images), targets
