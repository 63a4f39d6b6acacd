"""Several files of one submission in one text, which is stored, hashed and run."""

import re
from collections.abc import Mapping

#: The file that has ``unlearning``, and comes last; in a folder a notebook may have it.
MAIN, MAIN_NOTEBOOK = "submission.py", "submission.ipynb"
_WORD = r"[A-Za-z_]\w*"
#: Modules that can be imported: a file, also of a folder in a folder.
MODULE = re.compile(rf"(?:{_WORD}/){{0,4}}{_WORD}\.py", re.ASCII)
_HEAD = re.compile(rf"^# ==== file: ({MODULE.pattern}) ====\n", re.ASCII | re.MULTILINE)


def join(modules: Mapping[str, str], main: str) -> str:
    """Write modules and the main file one after the other; alone, it stays as it is."""
    if not modules:
        return main
    files = [*sorted(modules.items()), (MAIN, main)]
    return "\n".join(f"# ==== file: {name} ====\n{text}" for name, text in files)


def split(source: str) -> tuple[dict[str, str], str]:
    """Return the modules of what `join` wrote, and the main file."""
    if not _HEAD.match(source):
        return {}, source
    _, *parts = _HEAD.split(source)
    files = dict(zip(parts[::2], parts[1::2], strict=True))
    main = files.pop(MAIN, "")
    return files, main
