"""Which room may import which: arrows between rooms point down, and none points up."""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import harness

ROOT = Path(harness.__file__).parent
#: The one declaration of the order, lowest first. What stands in one line is level:
#: none of it imports another of it.
ORDER = (
    ("cgroups",),
    ("errors", "status", "seeds", "machine", "plain_text"),
    ("storage",),
    ("processes",),
    ("models",),
    ("track",),
    ("tasks",),
    ("metrics/inputs",),
    ("metrics/official",),
    ("metrics/uncertainty",),
    ("metrics/attacks",),
    ("metrics/literature",),
    ("metrics/flags",),
    ("metrics",),
    ("sandbox/child",),
    ("sandbox/host",),
    ("sandbox",),
    ("run",),
    ("evaluator",),
    ("reference",),
    ("execution",),
    ("results",),
    ("scoring",),
    ("leaderboard",),
    ("competition",),
    ("cli",),
    ("api",),
    ("__init__", "__main__"),
)
HEIGHTS = {room: height for height, rooms in enumerate(ORDER) for room in rooms}
#: All that is loaded where a stranger's code runs, or above it in the sandbox.
BESIDE_STRANGERS = {
    "sandbox/child": ("errors", "processes", "sandbox/child"),
    "run/inside": (
        *("errors", "status", "processes", "models", "track", "tasks"),
        *("run/inputs", "run/messages", "run/sections", "run/inside"),
        "sandbox/child",
    ),
}
#: What these load besides, through the rooms that they may import.
LOADED = ("storage",)
TEMPLATES = (
    "harness.sandbox.child.probe_template",
    "harness.run.inside.template",
)


class Arrow(NamedTuple):
    """One import, by paths below the package and without ``.py``."""

    file: str
    line: int
    target: str

    def __str__(self) -> str:
        return f"harness/{self.file}.py:{self.line} imports {self.target}"


def room_of(path: str) -> str:
    """The longest name in the order that a path begins with."""
    parts = path.split("/")
    names = ["/".join(parts[:n]) for n in range(len(parts), 0, -1)]
    found = next((name for name in names if name in HEIGHTS), None)
    assert found is not None, f"harness/{path} lies in no room of the order"
    return found


def arrows_of(file: Path, root: Path = ROOT) -> Iterator[Arrow]:
    """Imports of this package, within functions too; those for types alone are none."""
    name = file.relative_to(root).with_suffix("").as_posix()
    waiting: list[ast.AST] = [ast.parse(file.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        for module in _imported(node):
            package, _, rest = module.partition(".")
            if package == "harness" and rest:
                yield Arrow(name, node.lineno, _file_of(rest, root))


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        assert node.level == 0, "relative imports hide their room"
        names = [alias.name for alias in node.names if alias.name != "__version__"]
        return [f"{node.module}.{name}" for name in names]
    return []


def _file_of(dotted: str, root: Path) -> str:
    """The module or package that a dotted name begins with, as a path."""
    path = dotted.replace(".", "/")
    while path and not ((root / path).is_dir() or (root / f"{path}.py").exists()):
        path = path.rpartition("/")[0]
    return path or "__init__"


def all_arrows() -> list[Arrow]:
    return [arrow for file in sorted(ROOT.rglob("*.py")) for arrow in arrows_of(file)]


def is_offending(arrow: Arrow) -> bool:
    here, there = room_of(arrow.file), room_of(arrow.target)
    return here != there and HEIGHTS[there] >= HEIGHTS[here]


def _is_within(path: str, rooms: Iterable[str]) -> bool:
    return any(path == room or path.startswith(f"{room}/") for room in rooms)


def test_no_arrow_between_rooms_points_up():
    offending = [str(arrow) for arrow in all_arrows() if is_offending(arrow)]
    assert not offending, "\n".join(["", *offending])


def test_every_file_lies_in_a_room_and_every_room_has_files():
    names = [p.relative_to(ROOT).with_suffix("").as_posix() for p in ROOT.rglob("*.py")]
    found = {room_of(name) for name in names}
    assert set(HEIGHTS) - found == set()


@pytest.mark.parametrize("room", BESIDE_STRANGERS)
def test_beside_strangers_code_little_is_imported(room):
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    offending = [
        str(arrow)
        for file in files
        for arrow in arrows_of(file)
        if not _is_within(arrow.target, BESIDE_STRANGERS[room])
    ]
    assert not offending, "\n".join(["", *offending])


@pytest.mark.parametrize("template", TEMPLATES)
def test_beside_strangers_code_nothing_else_is_loaded(template):
    """Not through others either: neither a score nor the sandbox's other half."""
    program = f"import sys, {template}; print(*sys.modules)"
    words = [sys.executable, "-c", program]
    loaded = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    paths = [
        name.removeprefix("harness.").replace(".", "/")
        for name in loaded.split()
        if name.startswith("harness.")
    ]
    allowed = {room for rooms in BESIDE_STRANGERS.values() for room in rooms}
    allowed |= set(LOADED)
    assert template.removeprefix("harness.").replace(".", "/") in paths
    # The two rooms' own names are packages on the way, and empty.
    others = [path for path in paths if not _is_within(path, allowed)]
    assert set(others) <= {"run", "sandbox"}


@pytest.mark.parametrize(
    ("source", "targets"),
    [
        ("from harness.scoring.scorer import Scorer", ["scoring/scorer"]),
        ("from harness import scoring", ["scoring"]),
        ("import harness.scoring.scorer", ["scoring/scorer"]),
        ("def f():\n    from harness.cli import entry", ["cli/entry"]),
        ("if TYPE_CHECKING:\n    from harness.cli import entry", []),
        ("if not TYPE_CHECKING:\n    pass\nimport harnessed, numpy", []),
    ],
)
def test_an_arrow_is_seen_wherever_it_stands(tmp_path, source, targets):
    for name in ("scoring/scorer", "cli/entry"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").touch()
    (tmp_path / "models").mkdir()
    file = tmp_path / "models" / "weights.py"
    file.write_text(source)
    found = list(arrows_of(file, tmp_path))
    assert [arrow.target for arrow in found] == targets
    assert all(is_offending(arrow) for arrow in found)
