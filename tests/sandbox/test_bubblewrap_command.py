import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.sandbox.host.bubblewrap import bubblewrap_command
from harness.sandbox.host.paths import (
    python_paths,
    secret_paths,
    system_paths,
)


def run_inside(argv, tmp_path, readable=(), secret=()):
    task = tmp_path / "task"
    task.mkdir(exist_ok=True)
    command = bubblewrap_command(
        system=system_paths(), readable=readable, secret=secret, inputs=task, gpu=False
    )
    return subprocess.run(
        [*command, *argv], capture_output=True, text=True, check=False
    )


@pytest.mark.usefixtures("needs_full")
def test_the_root_holds_the_system_and_what_was_named(tmp_path):
    shown = tmp_path / "shown"
    shown.mkdir()
    (shown / "file").write_text("content")
    (tmp_path / "not shown").write_text("")
    answer = run_inside(["/bin/ls", "/", str(tmp_path)], tmp_path, [shown])
    assert {"usr", "proc", "dev", "tmp"} < set(answer.stdout.split())
    assert not {"root", "home", "var", "boot", "not"} & set(answer.stdout.split())
    assert "shown" in answer.stdout


@pytest.mark.usefixtures("needs_full")
def test_what_is_secret_is_hidden_within_what_is_shown(tmp_path):
    bank = tmp_path / "package" / "_shipped"
    bank.mkdir(parents=True)
    (bank / "bank.npz").write_text("secret")
    (tmp_path / "package" / "code.py").write_text("code")
    package = tmp_path / "package"
    argv = ["/bin/ls", str(package), str(bank)]
    answer = run_inside(argv, tmp_path, [package], [bank])
    assert "code.py" in answer.stdout
    assert "bank.npz" not in answer.stdout


@pytest.mark.usefixtures("needs_full")
@pytest.mark.parametrize("place", ["/", "/dev", "/usr", "/etc"])
def test_nothing_can_be_written_but_scratch_space(tmp_path, place):
    answer = run_inside(["/usr/bin/touch", f"{place}/new"], tmp_path, [Path("/etc")])
    assert answer.returncode != 0
    assert not Path(place, "new").exists()


@pytest.mark.usefixtures("needs_full")
def test_there_is_no_terminal_and_no_disk_among_the_devices(tmp_path):
    answer = run_inside(["/bin/ls", "/dev"], tmp_path)
    expected = "fd full null random shm stderr stdin stdout urandom"
    assert answer.stdout.split() == expected.split()


def test_neither_the_bank_nor_the_cache_is_among_the_readable_paths():
    shown = python_paths()
    for secret in secret_paths():
        assert not any(path.is_relative_to(secret) for path in shown)


def test_of_a_checkout_only_the_package_is_shown():
    package = Path(__file__).parents[2] / "harness"
    assert package in python_paths() or not (package.parent / "pyproject.toml").exists()
    assert package.parent not in python_paths()


@pytest.mark.usefixtures("needs_full")
def test_the_python_that_runs_is_shown_with_all_that_it_links_to(tmp_path):
    program = "import numpy, harness.sandbox; print('imported')"
    package_parent = str(Path(__file__).parents[2])
    code = f"import sys; sys.path.insert(0, {package_parent!r}); {program}"
    argv = [sys.executable, "-I", "-B", "-c", code]
    answer = run_inside(argv, tmp_path, python_paths())
    assert answer.stdout == "imported\n", answer.stderr


def test_bubblewrap_is_looked_for_on_the_path():
    command = bubblewrap_command(
        system=(), readable=(), secret=(), inputs=Path("/"), gpu=False
    )
    assert command[0] == (shutil.which("bwrap") or "bwrap")
