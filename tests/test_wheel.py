"""The wheel carries all that a user needs in an empty directory."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.track import track_names

ROOT = Path(__file__).parents[1]

pytest.importorskip("build")
pytest.importorskip("hatchling")


@pytest.fixture(scope="module")
def names(tmp_path_factory) -> set[str]:
    """Names of the files in a wheel that is built now."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    subprocess.run(
        [*command, "--outdir", str(folder), str(ROOT)], check=True, capture_output=True
    )
    (wheel,) = folder.glob("unlearn_eval-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        return set(archive.namelist())


def shipped(folder: str) -> set[str]:
    return {
        f"harness/_shipped/{path.relative_to(ROOT)}"
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not {"__pycache__", "leaderboard"} & set(path.parts)
    }


def test_it_carries_every_track_bank_and_submission(names):
    for folder in ("reference_models", "submissions"):
        assert shipped(folder) <= names
    for track in track_names():
        assert f"harness/_shipped/reference_models/{track}/track.toml" in names
    bank = "harness/_shipped/reference_models/cifar10-quick/bank.safetensors"
    assert bank in names


def test_it_leaves_the_leaderboard_at_home(names):
    assert not any("leaderboard/cifar10" in name for name in names)


def test_it_carries_the_package_with_its_template_and_types(names):
    modules = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "harness").rglob("*.py")
        if "_shipped" not in path.parts
    }

    assert modules <= names
    assert {"harness/cli/template.txt", "harness/py.typed"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_it_carries_no_leftovers(names):
    assert not [n for n in names if "__pycache__" in n or n.startswith("tests/")]


def test_it_starts_the_command(names):
    assert any(name.endswith("entry_points.txt") for name in names)
