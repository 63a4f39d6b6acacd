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
from harness.tasks.image_folder.files import ImageFile, image_files, read_image
from harness.tasks.images.task import Images, ImageTask
from harness.track.parsing import build_table
from harness.track.schema import Track, require

_SMALLEST, _LARGEST = 8, 512


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """``[data.options]`` of such a track.

    Attributes
    ----------
    image_size : int
        Pixels of a side.
    n_classes : int
        Folders of classes that there must be.
    """

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
    def _files(self) -> "FolderFiles":
        if self._root is None:
            raise UsageError(
                f"the track {self.track.name} does not say where its images lie; give "
                "the folder with --data-dir, or as folder under [data]."
            )
        return FolderFiles.of(self._root, self._options.n_classes)

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


@dataclass(frozen=True)
class FolderFiles:
    """The image files of a folder.

    Attributes
    ----------
    classes : tuple of str
        Names of the classes' folders, sorted.
    train, held_out : tuple of ImageFile
        ``held_out`` is empty where the folder has no parts ``train`` and ``test``.
    """

    classes: tuple[str, ...]
    train: tuple[ImageFile, ...]
    held_out: tuple[ImageFile, ...]

    @classmethod
    def of(cls, root: Path, n_classes: int) -> "FolderFiles":
        """List a folder.

        Raises
        ------
        UsageError
            If it is no such folder, or has other classes than are wanted.
        """
        parts = [root / "train", root / "test"]
        if not all(part.is_dir() for part in parts):
            parts = [root]
        classes, *other = [image_files(part) for part in parts]
        if other and other[0][0] != classes[0]:
            raise UsageError(f"{parts[0]} and {parts[1]} hold different classes.")
        if len(classes[0]) != n_classes:
            raise UsageError(
                f"{parts[0]} holds {len(classes[0])} folders of classes, and the track "
                f"says data.options.n_classes = {n_classes}."
            )
        return cls(classes[0], classes[1], other[0][1] if other else ())
