"""What submissions written for the competition's notebooks expect of the place."""

import ast
import os
import tempfile
from pathlib import Path
from types import CodeType

from harness.run.messages import missing_module

#: Folders of the competition's machine that could be written to.
_WRITABLE = ("/kaggle/tmp", "/kaggle/working", "/kaggle/temp")


def compiled(source: str, filename: str) -> CodeType:
    """Compile a source, its paths on the competition's machine in scratch space.

    That root folder is nobody's to make here, at some levels not even for the harness;
    only the beginning of a text that is such a path is another then.
    """
    tree = ast.parse(source, filename)
    if "/kaggle/" in source:
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                node.value = _in_scratch(node.value)
    return compile(tree, filename, "exec")


def _in_scratch(text: str) -> str:
    for folder in _WRITABLE:
        if text == folder or text.startswith(f"{folder}/"):
            there = f"{tempfile.gettempdir()}{folder}"
            Path(there).mkdir(parents=True, exist_ok=True)
            return there + text.removeprefix(folder)
    return text


def failure_hint(error: BaseException) -> str:
    """Say what would help against what a submission fails of; mostly nothing."""
    words = str(error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return missing_module(error.name.partition(".")[0]).rstrip(".")
    if isinstance(error, FileNotFoundError) and error.filename:
        name = os.path.basename(os.fsdecode(error.filename))  # noqa: PTH119
        return (
            f"a run sees no file of yours: {name!r:.100} does not come with the "
            "submission, which is one file of at most 256 KiB"
        )
    if isinstance(error, TypeError) and "must be integers or slices, not str" in words:
        return (
            "if it means a batch: batches are (inputs, targets); the line BATCHES = "
            '"dict" makes them dictionaries with image, age_group and image_id'
        )
    if "torchvision::nms does not exist" in words:
        return "torch and torchvision do not fit together: run unlearn-eval doctor"
    return ""
