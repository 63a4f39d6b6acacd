"""Read books: a folder of text files, one file a book."""

import re
from pathlib import Path

from harness.errors import UsageError

#: Texts by the names of their books, sorted.
Books = dict[str, str]
_LARGEST = 64 << 20


def read_folder(folder: Path) -> Books:
    """Read every ``.txt`` file of a folder."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}; give that of the books.")
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() == ".txt")
    if len(files) < 2:
        raise UsageError(
            f"{folder} holds {len(files)} .txt files; it needs two or more, one file a "
            "book: one book to forget and the others to keep."
        )
    return {file.stem: decoded(_content(file), str(file)) for file in files}


def decoded(content: bytes, name: str) -> str:
    """Decode a text; `name` is what messages call it."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{name} is not UTF-8 text (byte {error.start}); save it as UTF-8."
        ) from None
    if not text.strip():
        raise UsageError(f"{name} is empty; fill it or take it out of the folder.")
    return text


def paragraphs(text: str) -> str:
    """Undo the breaking of lines: a line a paragraph, one blank between words."""
    parts = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    return "\n".join(part for part in parts if part)


def _content(file: Path) -> bytes:
    try:
        if file.stat().st_size > _LARGEST:
            raise UsageError(f"{file} is larger than {_LARGEST >> 20} MiB; cut it.")
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}.") from None
