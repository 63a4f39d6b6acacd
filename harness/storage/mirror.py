"""A folder here that stands for an fsspec URL: what changes in it changes there too."""

from collections.abc import Callable, Iterable
from pathlib import Path

from harness.storage.cache import cache_root
from harness.storage.files import FOLLOWERS, sha256_of, write_atomic
from harness.storage.objects import Objects, as_folder

Fetched = Iterable[tuple[str, bytes | None]]
#: Passes files on as they come, and may show how many of all have.
Shown = Callable[[Fetched, int], Fetched]


def unshown(files: Fetched, total: int) -> Fetched:
    """Pass files on and show nothing."""
    del total
    return files


class Mirror:
    """Copies each file that is written below a folder to a URL, at once."""

    def __init__(self, root: Path, objects: Objects) -> None:
        self.root, self._objects = root, objects

    def fetch(self, shown: Shown) -> None:
        """Bring here what is there."""
        names = self._objects.all_names()
        for name, content in shown(self._objects.each(names), len(names)):
            if content is not None:
                write_atomic(self.root / name, content)

    def written(self, path: Path, content: bytes) -> None:
        """Put a file there, too."""
        if path.is_relative_to(self.root):
            self._objects.put(path.relative_to(self.root).as_posix(), content)

    def removed(self, folder: Path) -> None:
        """Remove a folder there, too."""
        if folder.is_relative_to(self.root):
            self._objects.remove(folder.relative_to(self.root).as_posix())


def local_folder(place: str, shown: Shown = unshown) -> Path:
    """Return the folder that a place is, or one in the cache that stands for a URL.

    What lies at the URL is brought here, and `shown` meanwhile.
    """
    if (folder := as_folder(place)) is not None:
        return folder if "://" in place else Path(place).expanduser()
    root = cache_root() / "mirrors" / sha256_of(place.rstrip("/").encode())[:16]
    known = next((one for one in FOLLOWERS if _is_of(one, root)), None)
    if known is not None:
        FOLLOWERS.remove(known)
    mirror = Mirror(root, Objects(place))
    mirror.fetch(shown)
    FOLLOWERS.append(mirror)
    return root


def _is_of(follower: object, root: Path) -> bool:
    return isinstance(follower, Mirror) and follower.root == root
