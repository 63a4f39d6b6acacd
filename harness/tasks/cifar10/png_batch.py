"""Pictures that hold a whole batch: one row an image, its pixels in reading order."""

import io
import struct

import numpy as np
from numpy.typing import NDArray

from harness.tasks.cifar10.binary import CHANNELS, IMAGE_BYTES, PLANE_BYTES
from harness.tasks.cifar10.source import SourceError


def read_sheet(content: bytes, name: str, n_images: int) -> NDArray[np.uint8]:
    """Decode a PNG of ``n_images`` rows and 1024 columns to the planes of a `Batch`.

    Raises
    ------
    SourceError
        When it is no such PNG. Its size is read before a pixel is decoded.
    """
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
