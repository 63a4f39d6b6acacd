"""Imports among the rooms of the metrics point down only."""

import ast
from pathlib import Path

import harness.metrics

ROOMS = ("inputs", "official", "uncertainty", "attacks", "literature", "flags")
BELOW = ("errors", "models")
FOLDER = Path(harness.metrics.__file__).parent


def imported(file):
    """Modules of this project that a file imports, as their names' parts."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[0] == "harness":
                yield parts[1:]


def test_no_room_imports_a_higher_one():
    files = [file for room in ROOMS for file in (FOLDER / room).rglob("*.py")]
    assert len(files) > 30
    for file in files:
        height = ROOMS.index(file.relative_to(FOLDER).parts[0])
        for first, *rest in imported(file):
            if first == "metrics":
                assert ROOMS.index(rest[0]) <= height, (file, rest)
            else:
                assert first in BELOW, (file, first)


def test_how_epsilon_is_found_is_private_to_its_folder():
    private = FOLDER / "official" / "epsilon"
    for file in FOLDER.rglob("*.py"):
        if private not in file.parents:
            for parts in imported(file):
                assert not any(part.startswith("_") for part in parts), file
