"""Pictures within a page: single ones whole, all of them as tiles of one image."""

import base64
import io
import math
from functools import lru_cache
from typing import NamedTuple

from harness.tasks.base import Shown

#: Side of a tile in pixels: a multiple of the blocks of JPEG, so that none bleeds.
TILE = 32
_QUALITY = 85


class Tiles(NamedTuple):
    """All pictures in one, `columns` in a row, as a data URI."""

    uri: str
    columns: int
    rows: int


def data_uri(content: bytes, kind: str = "png") -> str:
    """Put an image into a page."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


@lru_cache(maxsize=1)
def tiles(shown: tuple[Shown, ...]) -> Tiles | None:
    """Put all pictures into one; None where examples are no pictures.

    The pages of a site have the same one.
    """
    from PIL import Image  # noqa: PLC0415 - a page of text needs none

    if not shown or not shown[0].png:
        return None
    columns = math.ceil(math.sqrt(len(shown)))
    rows = math.ceil(len(shown) / columns)
    whole = Image.new("RGB", (columns * TILE, rows * TILE))
    for place, each in enumerate(shown):
        with Image.open(io.BytesIO(each.png)) as image:
            tile = image.convert("RGB").resize((TILE, TILE))
        whole.paste(tile, (place % columns * TILE, place // columns * TILE))
    buffer = io.BytesIO()
    whole.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return Tiles(data_uri(buffer.getvalue(), "jpeg"), columns, rows)
