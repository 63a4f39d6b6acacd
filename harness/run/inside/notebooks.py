"""What submissions written for the competition's notebooks expect of the place."""

import ast
import errno
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import CodeType

from harness.run.messages import missing_module
from harness.tasks.base import Task

#: Folders of the competition's machine that could be written to.
_WRITABLE = ("/kaggle/tmp", "/kaggle/working", "/kaggle/temp")
_TARGETS = {"age_group", "age"}
_INDEXED_BY_NAME = "must be integers or slices, not str"
#: What torch says to code that has cuda written into it.
_NO_GPU = ("CUDA in forked", "no NVIDIA driver", "not compiled with CUDA")


def compiled(source: str, filename: str) -> CodeType:
    """Compile a source, its paths on the competition's machine in scratch space.

    That root folder is nobody's to make here, at some levels not even for the harness;
    only the beginning of a text that is such a path is another then.
    """
    tree = ast.parse(source, filename)
    if "tqdm" in source and find_spec("tqdm"):
        # A notebook's bars are drawn by a browser, and there is none.
        sys.modules["tqdm.notebook"] = import_module("tqdm.std")
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


def put_beside(modules: Mapping[str, str]) -> str:
    """Write a submission's modules into a folder of scratch space, and name it."""
    folder = Path(tempfile.mkdtemp())
    for name, text in modules.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return str(folder)


def reads_dicts(source: str) -> bool:
    """Tell whether a source takes a batch's image and age group by their names."""
    found = defaultdict[str, set[object]](set)
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Subscript(ast.Name(name), ast.Constant(key)):
                found[name].add(key)
    return any("image" in keys and keys & _TARGETS for keys in found.values())


def failure_hint(error: BaseException, task: Task) -> str:
    """Say what would help against what a submission fails of; mostly nothing."""
    words, hint = str(error), ""
    if isinstance(error, ModuleNotFoundError) and error.name:
        hint = missing_module(error.name.partition(".")[0]).rstrip(".")
    elif isinstance(error, FileNotFoundError) and error.filename:
        name = os.path.basename(os.fsdecode(error.filename))  # noqa: PTH119
        hint = (
            f"a run sees no file of yours: {name!r:.100} does not come with the "
            "submission, which is at most 256 KiB of Python"
        )
    elif isinstance(error, OSError) and error.errno == errno.ENOMEM:
        hint = (
            "its memory is used up, or it asks for shared memory without a name, such "
            "as mmap.mmap(-1, ...), which no run is given: a file in /dev/shm does it"
        )
    elif isinstance(error, TypeError) and _INDEXED_BY_NAME in words:
        hint = (
            "if it means a batch: batches are (inputs, targets); the line BATCHES = "
            '"dict" makes them dictionaries with image, age_group and image_id'
        )
    elif any(phrase in words for phrase in _NO_GPU):
        hint = "it asks for a GPU, and a run has what its argument device says"
    elif "torchvision::nms does not exist" in words:
        hint = "torch and torchvision do not fit together: run unlearn-eval doctor"
    elif task.kind == "text" and isinstance(error, IndexError):
        hint = "tokens lie below the vocabulary's size, the second of net's outputs"
    return hint or _task_hint(task)


def _task_hint(task: Task) -> str:
    """Say what the track is of, to code that may not know."""
    if task.kind == "images" or hasattr(sys.modules.get("submission"), "TASKS"):
        return ""
    return (
        f"the track is of {task.kind or task.track.data.dataset}: code for images "
        'alone may say that it is by TASKS = ("images",)'
    )
