"""Remove what strangers have left, however deep, unreadable or linked it is."""

import os
from itertools import count
from pathlib import Path


def empty_folder(folder: Path, owner: int | None = None) -> None:
    """Remove all that lies in a folder, whose processes are gone.

    Nothing is followed. A tree is not descended into but flattened, so that no depth
    exhausts the stack, the open files or the length of a path.

    Parameters
    ----------
    folder : Path
        It stays.
    owner : int, optional
        Remove only what this user owns.
    """
    waiting: list[Path] = []
    names = count()

    def take(path: Path) -> None:
        if not path.is_dir() or path.is_symlink():
            path.unlink(missing_ok=True)
            return
        path.chmod(0o700)
        aside = folder / f".removed-{os.getpid()}-{next(names)}"
        path.rename(aside)
        waiting.append(aside)

    with os.scandir(folder) as entries:
        found = [Path(entry.path) for entry in entries]
    for path in found:
        if owner is None or path.lstat().st_uid == owner:
            take(path)
    while waiting:
        current = waiting.pop()
        for path in list(current.iterdir()):
            take(path)
        current.rmdir()
