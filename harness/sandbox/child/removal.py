"""Remove what strangers have left, however deep, unreadable or linked it is."""

import os
from pathlib import Path


def empty_folder(folder: Path, owner: int | None = None) -> None:
    """Remove all that lies in a folder, whose processes are gone.

    Nothing is followed. One folder is open at a time and none is called by its path,
    so that no depth exhausts the stack, the open files or the length of a path.
    The folder itself stays, as does what an `owner` does not own where one is named.
    """
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with os.scandir(here) as entries:
            found = [
                (entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries
            ]
        for name, is_folder in found:
            state = os.stat(name, dir_fd=here, follow_symlinks=False)
            if owner is not None and state.st_uid != owner:
                continue
            if is_folder:
                _remove_tree(name, here)
            else:
                os.unlink(name, dir_fd=here)
    finally:
        os.close(here)


def _remove_tree(name: str, parent: int) -> None:
    """Walk down to what has no folders in it, remove that, and climb up again."""
    names, here = [name], _entered(name, parent)
    while names:
        inner = _remove_files(here)
        if inner is None:
            inner, below = names.pop(), here
            here = os.open("..", os.O_RDONLY | os.O_CLOEXEC, dir_fd=below)
            os.close(below)
            os.rmdir(inner, dir_fd=here)
        else:
            below = _entered(inner, here)
            os.close(here)
            names.append(inner)
            here = below
    os.close(here)


def _entered(name: str, parent: int) -> int:
    # A folder and no link, and nobody is left who could make it one.
    os.chmod(name, 0o700, dir_fd=parent)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, dir_fd=parent)


def _remove_files(folder: int) -> str | None:
    """Remove files up to the first folder; return its name."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                return entry.name
            os.unlink(entry.name, dir_fd=folder)
    return None
