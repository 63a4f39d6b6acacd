"""The source of a submission: of a file, a notebook, a folder or a zip, as one text."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from harness.errors import UsageError
from harness.plain_text import harmless
from harness.run.notebooks import LARGEST_NOTEBOOK, read_notebook
from harness.run.sections import MAIN, MAIN_NOTEBOOK, MODULE, join
from harness.storage.containers import Refused, open_container, plain_file

LARGEST_SOURCE = 256 * 1024
NOTEBOOK = ".ipynb"
_MOST_MODULES = 100
#: Of a zip: what no author put there.
_NOBODYS = ("__MACOSX/", ".")


class Unreadable(Exception):
    """There is no source to be had of a path; the message is a problem."""


class Source(NamedTuple):
    """A source, what its lines are lines of, and how it was put together."""

    text: str
    filename: str
    notes: tuple[str, ...] = ()


def read_source(path: Path) -> Source:
    """Read the source of a submission, and run none of it."""
    if is_container(path):
        return _of_files(path)
    if path.suffix == NOTEBOOK:
        return _of_notebook(path)
    return Source(_decoded(_content(path, LARGEST_SOURCE), path.name), path.name)


def is_container(path: Path) -> bool:
    """Tell whether a path has files in it, by its kind and its name."""
    # Not by pathlib, which raises an error for links that lead in a circle.
    is_folder = os.path.isdir(path) and path.suffix != ".py"  # noqa: PTH112
    return is_folder or path.suffix.lower() == ".zip"


def holds_source(names: Sequence[str]) -> bool:
    """Tell whether files are those of a submission."""
    top = top_folder(names)
    return top + MAIN in names or top + MAIN_NOTEBOOK in names


def top_folder(names: Sequence[str]) -> str:
    """Name the only folder that all files lie in, with its slash; mostly none does."""
    shown = [name for name in names if not name.startswith(_NOBODYS)]
    tops = {name.partition("/")[0] for name in shown if "/" in name}
    alone = len(tops) == 1 and all("/" in name for name in shown)
    return f"{tops.pop()}/" if alone else ""


def _of_files(path: Path) -> Source:
    """Read a folder or a zip: the main file, and the modules beside and below it."""
    notes, files, others = list[str](), dict[str, str](), list[str]()
    try:
        container = open_container(path, "a submission")
        names = container.names()
        top = top_folder(names) if path.suffix.lower() == ".zip" else ""
        for name in names:
            if MODULE.fullmatch(short := name.removeprefix(top)):
                content = container.read(name, LARGEST_SOURCE)
                files[short] = _decoded(content, name).replace("\r\n", "\n")
                _refuse_more(path, files)
            elif short != MAIN_NOTEBOOK and not short.startswith(_NOBODYS):
                others += [] if "__pycache__/" in short else [short]
        if MAIN not in files and top + MAIN_NOTEBOOK in names:
            content = container.read(top + MAIN_NOTEBOOK, LARGEST_NOTEBOOK)
            source = _from_notebook(content, MAIN_NOTEBOOK)
            files[MAIN], notes = source.text, list(source.notes)
            _refuse_more(path, files)
    except Refused as error:
        raise Unreadable(str(error)) from None
    if MAIN not in files:
        raise Unreadable(f"{harmless(path.name)} holds no {MAIN}.")
    main = files.pop(MAIN)
    if files:
        modules = harmless(", ".join(sorted(files)))
        notes.append(f"{harmless(path.name)}: with {MAIN} goes {modules}.")
    if others:
        left = harmless(", ".join(others))
        notes.append(f"{harmless(path.name)}: no Python module, and left out: {left}.")
    return Source(join(files, main), MAIN, tuple(notes))


def _refuse_more(path: Path, files: dict[str, str]) -> None:
    n_bytes = sum(len(text.encode()) for text in files.values())
    if n_bytes > LARGEST_SOURCE or len(files) > _MOST_MODULES:
        raise Unreadable(
            f"{harmless(path.name)} holds {len(files)} modules or more, of "
            f"{-(-n_bytes // 1024)} KiB; a submission has at most {_MOST_MODULES} of "
            f"{LARGEST_SOURCE // 1024} KiB in all."
        )


def _of_notebook(path: Path) -> Source:
    return _from_notebook(_content(path, LARGEST_NOTEBOOK), path.name)


def _from_notebook(content: bytes, name: str) -> Source:
    try:
        notebook = read_notebook(content, name, LARGEST_SOURCE)
    except ValueError as error:
        raise Unreadable(str(error)) from None
    return Source(notebook.source, MAIN, notebook.notes)


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(f"{harmless(name)} is not UTF-8 text.") from None


def _content(path: Path, largest: int) -> bytes:
    """Read a plain file of at most `largest` bytes."""
    if not os.path.lexists(path):
        raise UsageError(f"cannot read {path}: {os.strerror(errno.ENOENT)}.")
    try:
        with plain_file(path, path.name) as file:
            content = file.read(largest + 1)
            n_bytes = max(len(content), os.fstat(file.fileno()).st_size)
    except Refused as error:
        raise Unreadable(str(error)) from None
    if n_bytes > largest:
        raise Unreadable(
            f"{path.name} has {-(-n_bytes // 1024)} KiB; a {_kind(path)} has at most "
            f"{largest // 1024} KiB."
        )
    return content


def _kind(path: Path) -> str:
    is_notebook = path.suffix == NOTEBOOK
    return "notebook (clear its outputs)" if is_notebook else "submission"
