"""List and read image files, one folder a class."""

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError


class ImageFile(NamedTuple):
    """One image: its file, its name below the folder, and its class."""

    path: Path
    name: str
    target: int

    def content(self) -> bytes:
        """Read the file's bytes."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise UsageError(f"cannot read {self.path}: {error.strerror}.") from None


class FolderFiles(NamedTuple):
    """Classes and images; `held_out` is empty without folders train and test."""

    classes: tuple[str, ...]
    train: tuple[ImageFile, ...]
    held_out: tuple[ImageFile, ...]


def folder_files(root: Path, n_classes: int) -> FolderFiles:
    """List a folder, or its folders train and test; they must have so many classes."""
    parts = [root / "train", root / "test"]
    if not all(part.is_dir() for part in parts):
        parts = [root]
    (classes, train), *other = map(_classes_and_files, parts)
    if other and other[0][0] != classes:
        raise UsageError(f"{parts[0]} and {parts[1]} hold different classes.")
    if len(classes) != n_classes:
        raise UsageError(
            f"{parts[0]} holds {len(classes)} folders of classes, and the track "
            f"says data.options.n_classes = {n_classes}."
        )
    return FolderFiles(classes, train, other[0][1] if other else ())


def _classes_and_files(folder: Path) -> tuple[tuple[str, ...], tuple[ImageFile, ...]]:
    """List the classes and the images of a folder, both sorted by name."""
    # Imported late: with torchvision comes torch, which takes seconds.
    from torchvision.datasets import ImageFolder  # noqa: PLC0415

    try:
        found = ImageFolder(str(folder))
    except OSError as error:
        raise UsageError(
            f"{folder} is no folder of images ({error}); it needs one folder for each "
            "class, or folders train and test that have them."
        ) from None
    samples = [(Path(name), target) for name, target in found.samples]
    return tuple(found.classes), tuple(
        ImageFile(path, path.relative_to(folder).as_posix(), target)
        for path, target in samples
    )


def read_image(file: ImageFile, size: int) -> NDArray[np.uint8]:
    """Read an image as RGB, scaled and cut to a square."""
    from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415

    try:
        with Image.open(io.BytesIO(file.content())) as picture:
            return np.asarray(ImageOps.fit(picture.convert("RGB"), (size, size)))
    except UnidentifiedImageError:
        raise UsageError(f"{file.path} is no image that can be read.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UsageError(f"{file.path} cannot be read as an image: {error}.") from None
