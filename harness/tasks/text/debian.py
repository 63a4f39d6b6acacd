"""Read texts out of the Debian package of Jane Austen's novels, without R.

R keeps data as blocks, one after the other in one file: a length, then what zlib made
of R's serialisation of a vector of lines.
"""

import io
import lzma
import struct
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from harness.errors import UsageError

PACKAGE = "r-cran-janeaustenr"
_DATA = "Rdata.rdb"
_LARGEST, _STRING_VECTOR, _STRING = 64 << 20, 16, 9
#: What the libraries raise for bytes that are none of theirs.
_DAMAGED = (
    *(OSError, ValueError, EOFError, struct.error),
    *(zlib.error, lzma.LZMAError, tarfile.TarError),
)
_AR_MAGIC, _AR_HEADER = b"!<arch>\n", 60


def read_package(place: Path) -> list[bytes] | None:
    """Read the texts of a package, a data file or a folder with either; else None."""
    files = [place] if place.is_file() else sorted(place.glob(f"{PACKAGE}_*.deb"))
    if not files and (place / _DATA).is_file():
        files = [place / _DATA]
    if not files:
        return None
    try:
        content = files[-1].read_bytes()
        return list(_texts(_unpacked(content)))
    except _DAMAGED as error:
        raise UsageError(
            f"{files[-1]} cannot be read ({error}); get it anew with apt-get download "
            f"{PACKAGE}, or give the folder data of the installed package."
        ) from None


def _unpacked(content: bytes) -> bytes:
    """Take the data file out of a package; what is none is that file itself."""
    if not content.startswith(_AR_MAGIC):
        return content
    at = len(_AR_MAGIC)
    while at < len(content):
        name = content[at : at + 16].decode("ascii").strip()
        size = int(content[at + 48 : at + 58])
        at += _AR_HEADER
        if name.startswith("data.tar"):
            return _member(content[at : at + size])
        at += size + size % 2
    raise ValueError("it holds no data.tar")


def _member(archive: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for entry in tar:
            if entry.name.endswith(f"/data/{_DATA}") and entry.size <= _LARGEST:
                file = tar.extractfile(entry)
                if file is not None:
                    return file.read()
    raise ValueError(f"it holds no {_DATA}")


def _texts(data: bytes) -> Iterator[bytes]:
    """Yield every vector of lines, each line ended."""
    while data:
        unpacker = zlib.decompressobj()
        block = unpacker.decompress(data[4:], _LARGEST)
        if not unpacker.eof:
            raise ValueError("a block is cut or too large")
        data = unpacker.unused_data
        lines = _lines(block)
        if lines is not None:
            yield b"".join(line + b"\n" for line in lines)


def _lines(block: bytes) -> list[bytes] | None:
    """Read a vector of texts in R's serialisation, version 3; None of all else."""
    if not block.startswith(b"X\n\x00\x00\x00\x03"):
        raise ValueError("a block is not of R's format 3")
    (encoding,) = struct.unpack_from(">I", block, 14)
    at = 18 + encoding
    flags, count = struct.unpack_from(">II", block, at)
    if flags & 0xFF != _STRING_VECTOR:
        return None
    at, lines = at + 8, []
    for _ in range(count):
        flags, size = struct.unpack_from(">Ii", block, at)
        if flags & 0xFF != _STRING or not 0 <= size <= len(block):
            raise ValueError("a line is not of R's format 3")
        lines.append(block[at + 8 : at + 8 + size])
        at += 8 + size
    return lines
