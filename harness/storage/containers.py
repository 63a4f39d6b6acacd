"""What holds a stranger's files, a folder or a zip: their names, and their bytes.

Both come from strangers. Nothing is unpacked to a disk, no link is followed, and no
file is read past a bound.
"""

import errno
import os
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from harness.plain_text import harmless

_DEEPEST, _MOST_FILES = 4, 10_000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_UNIX_MODE = 16


class Refused(Exception):
    """What was given cannot be scored; the message is one sentence for its author."""


class Folder:
    """The files of a folder, and of the folders in it to a depth."""

    def __init__(self, path: Path, kind: str) -> None:
        self._path, self._kind = path, kind

    def names(self) -> tuple[str, ...]:
        """List the files, with ``/`` before those of a sub-folder; not the hidden."""
        found = islice(self._below(self._path, "", _DEEPEST), _MOST_FILES + 1)
        names = tuple(found)
        if len(names) > _MOST_FILES:
            raise Refused(
                f"{harmless(self._path.name)} holds more than {_MOST_FILES} files; "
                f"give a folder that holds {self._kind} alone."
            )
        return names

    def _below(self, folder: Path, prefix: str, depth: int) -> Iterator[str]:
        for path in self._children(folder):
            if depth and path.is_dir() and not path.is_symlink():
                yield from self._below(path, f"{prefix}{path.name}/", depth - 1)
            else:
                yield prefix + path.name

    def read(self, name: str, largest: int) -> bytes:
        """Read one file; a link or a device is no file."""
        shown = harmless(name)
        with plain_file(self._path / name, shown) as file:
            n_bytes = os.fstat(file.fileno()).st_size
            _refuse_larger(f"{shown} has", n_bytes, self._kind, largest)
            content = file.read(largest + 1)
        _refuse_larger(f"{shown} has", len(content), self._kind, largest)
        return content

    @staticmethod
    def _children(folder: Path) -> list[Path]:
        try:
            return sorted(p for p in folder.iterdir() if not p.name.startswith("."))
        except OSError as error:
            shown = harmless(folder.name)
            raise Refused(f"{shown} cannot be read: {error.strerror}.") from None


class ZipArchive:
    """The files of a zip, read in place."""

    def __init__(self, path: Path, kind: str) -> None:
        self._path, self._kind = path, kind

    def names(self) -> tuple[str, ...]:
        """List the files; a zip with anything odd in it is refused as a whole."""
        shown = harmless(self._path.name)
        try:
            with plain_file(self._path) as file, zipfile.ZipFile(file) as archive:
                entries = archive.infolist()
        except OSError as error:
            raise Refused(f"{shown} cannot be read: {error.strerror}.") from None
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise Refused(f"{shown} is no sound zip file: {harmless(error)}.") from None
        for entry in entries:
            _vet(entry)
        names = [entry.filename for entry in entries if not entry.is_dir()]
        (twice, count), *_ = Counter(names).most_common(1) or [("", 0)]
        if count > 1:
            raise Refused(f"the zip holds {harmless(twice)} twice; make it anew.")
        return tuple(names)

    def read(self, name: str, largest: int) -> bytes:
        """Inflate one file, never more than `largest` bytes of it."""
        does = f"{harmless(name)} unpacks to"
        try:
            with plain_file(self._path) as whole, zipfile.ZipFile(whole) as archive:
                entry = archive.getinfo(name)
                _refuse_larger(does, entry.file_size, self._kind, largest)
                with archive.open(entry) as file:
                    content = file.read(largest + 1)
        except (
            OSError,
            EOFError,
            KeyError,
            ValueError,
            NotImplementedError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            words = f"{harmless(name)} is damaged in the zip: {harmless(error)}."
            raise Refused(words) from None
        _refuse_larger(does, len(content), self._kind, largest)
        return content


Container = Folder | ZipArchive


def plain_file(path: Path, shown: str = "") -> BinaryIO:
    """Open a file that is none but itself: a link may lead to anything.

    A pipe would be waited for, and a device never ends. They are `Refused`.
    """
    shown = shown or harmless(path.name)
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        handle = os.open(path, flags)
    except OSError as error:
        words = f"cannot be read: {error.strerror}."
        if error.errno == errno.ELOOP:
            words = "is a link, which is not followed; give the file itself."
        elif error.errno == errno.ENXIO:  # A socket.
            words = "is no plain file."
        raise Refused(f"{shown} {words}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Refused(f"{shown} is no plain file.")
    return os.fdopen(handle, "rb")


def open_container(path: Path, kind: str = "a file") -> Container:
    """Take a path for what it is: a folder, or else a zip, of files of a kind."""
    return Folder(path, kind) if path.is_dir() else ZipArchive(path, kind)


def _vet(entry: zipfile.ZipInfo) -> None:
    """Refuse an entry that no honest tool writes for plain files."""
    name = harmless(entry.orig_filename)
    if _leads_outside(entry.orig_filename):
        raise Refused(f"the zip holds a path outside it, {name}; make it anew.")
    mode = entry.external_attr >> _UNIX_MODE
    kind = stat.S_IFMT(mode)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a link" if kind == stat.S_IFLNK else "a special file"
        raise Refused(f"the zip holds {what}, {name}; only plain files are read.")
    if entry.flag_bits & _ENCRYPTED:
        raise Refused(f"the zip is encrypted ({name}); give one without a password.")
    if entry.compress_type not in _METHODS:
        raise Refused(
            f"{name} is compressed in an unusual way (method {entry.compress_type}); "
            "make the zip with deflate, the usual one."
        )


def _leads_outside(name: str) -> bool:
    """Tell whether a name leads out of the folder it would be unpacked to."""
    if "\0" in name:
        return True  # What follows would be hidden from one reader and not another.
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    rooted = posix.is_absolute() or bool(windows.drive or windows.root)
    return rooted or ".." in windows.parts


def _refuse_larger(what: str, n_bytes: int, kind: str, largest: int) -> None:
    if n_bytes > largest:
        raise Refused(
            f"{what} {n_bytes / 1e6:.1f} MB; {kind} has at most {largest / 1e6:.1f} MB."
        )
