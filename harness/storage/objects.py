"""Files below an fsspec URL: s3://, gs://, memory:// and what else is installed."""

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from harness.errors import UnlearnEvalError, UsageError

_AT_A_TIME = 16
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def as_folder(place: str) -> Path | None:
    """Return the folder that a place is, or None if it is a URL of something else."""
    if not _URL.match(place):
        return Path(place).expanduser().absolute()
    parts = urlsplit(place)
    return Path(unquote(parts.path)) if parts.scheme in ("file", "local") else None


class Objects:
    """Objects below one URL, each of which is there whole or not at all.

    What the service refuses is told in a sentence, as the errors of files are.
    """

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - a second with its service

        self._url = url.rstrip("/")
        with self._explained():
            self._system, self._root = url_to_fs(self._url)

    def names(self, under: str) -> set[str]:
        """List the objects directly below a name."""
        with self._explained():
            self._system.invalidate_cache()
            try:
                found = self._system.ls(f"{self._root}/{under}", detail=False)
            except FileNotFoundError:
                return set()
        return {path.rstrip("/").rpartition("/")[2] for path in found}

    def all_names(self) -> list[str]:
        """List all objects, by their names below the URL."""
        with self._explained():
            self._system.invalidate_cache()
            found = self._system.find(self._root)
        names = (path[len(self._root) :].lstrip("/") for path in found)
        return [name for name in names if ".." not in name.split("/")]

    def remove(self, under: str) -> None:
        """Remove all objects below a name."""
        with self._explained():
            self._system.invalidate_cache()
            for path in self._system.find(f"{self._root}/{under}"):
                self._system.rm_file(path)

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """Read objects, those that are there, several at a time."""
        found = self.each(list(names))
        return {name: content for name, content in found if content is not None}

    def each(self, names: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        """Read objects one after the other, none for one that is not there."""
        with self._explained(), ThreadPoolExecutor(_AT_A_TIME) as pool:
            yield from zip(names, pool.map(self._read, names), strict=True)

    def _read(self, name: str) -> bytes | None:
        # One by one: where it is given several, brackets would be a pattern.
        try:
            content: bytes = self._system.cat_file(f"{self._root}/{name}")
        except FileNotFoundError:
            return None
        return content

    def put_if_absent(self, name: str, content: bytes) -> bool:
        """Write an object, unless there is one of that name; say whether it was."""
        with self._explained():
            try:
                self._system.pipe_file(f"{self._root}/{name}", content, mode="create")
            except FileExistsError:
                return False
        return True

    def put(self, name: str, content: bytes) -> None:
        """Write an object in the place of any that is there."""
        with self._explained():
            self._system.pipe_file(f"{self._root}/{name}", content)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except UnlearnEvalError:
            raise
        except (ImportError, ValueError) as error:
            raise UsageError(
                f"{self._url} cannot be used ({error}); give a folder or a URL that an "
                "installed fsspec package knows, such as s3:// with: pip install s3fs."
            ) from None
        except Exception as error:  # Each service has errors of its own.
            words = str(error).splitlines() or [type(error).__name__]
            raise UnlearnEvalError(
                f"{self._url} does not answer as it should ({words[0]}); run the same "
                "command again when that is mended: nothing finished is lost."
            ) from None
