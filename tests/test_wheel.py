"""The wheel carries all that a user needs in an empty directory."""

import os
import shutil
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
def wheel(tmp_path_factory) -> Path:
    """A wheel that is built now."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    subprocess.run(
        [*command, "--outdir", str(folder), str(ROOT)], check=True, capture_output=True
    )
    (wheel,) = folder.glob("unlearn_eval-*-py3-none-any.whl")
    return wheel


@pytest.fixture(scope="module")
def names(wheel) -> set[str]:
    """Names of the files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        return set(archive.namelist())


def shipped(folder: str) -> set[str]:
    return {
        f"harness/_shipped/{path.relative_to(ROOT)}"
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not {"__pycache__", "leaderboard"} & {*path.parts}
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
    templates = (ROOT / "harness/results/report/templates").iterdir()
    assert {str(path.relative_to(ROOT)) for path in templates} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_it_carries_no_leftovers(names):
    assert not [n for n in names if "__pycache__" in n or n.startswith("tests/")]


def test_it_starts_the_command(names):
    assert any(name.endswith("entry_points.txt") for name in names)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The command as ``pip install`` leaves it, apart from this checkout."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(wheel)], check=True)

    def call(*args, cwd):
        return subprocess.run(
            [target / "bin" / "unlearn-eval", "leaderboard", *args],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(target), "PYTHONSAFEPATH": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A checkout with a leaderboard of one committed result, and no package in it."""
    board = Path("submissions", "leaderboard", "cifar10-quick", "identity", "seed-0")
    shutil.copytree(ROOT / board, tmp_path / "checkout" / board)
    (tmp_path / "checkout" / "submissions" / "tests" / "deep").mkdir(parents=True)
    return tmp_path / "checkout"


def test_installed_it_checks_the_leaderboard_of_the_checkout_one_stands_in(
    installed, checkout
):
    written = installed("--update", cwd=checkout)
    assert written.returncode == 0, written.stderr
    table = checkout / "submissions" / "leaderboard" / "cifar10-quick.csv"
    assert f"Wrote {table}" in written.stderr

    checked = installed("--check", cwd=checkout / "submissions" / "tests" / "deep")
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.startswith(f"{table}: all ")


def test_installed_and_outside_of_any_checkout_it_looks_into_no_package(
    installed, tmp_path
):
    checked = installed("--check", cwd=tmp_path)
    assert checked.returncode == 2
    board = tmp_path / "submissions" / "leaderboard"
    assert f"no leaderboard of cifar10-quick in {board}" in checked.stderr
