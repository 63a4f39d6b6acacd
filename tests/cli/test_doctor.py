"""The doctor finds what is wrong first, and says what mends it."""

import json

import pytest

from harness.cli import doctor
from harness.storage.cache import CACHE_VARIABLE

QUICK = "echo 2.11 0.26"


@pytest.fixture
def python(tmp_path, monkeypatch):
    """A Python that answers as it is told."""

    def make(script: str) -> None:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr("sys.executable", str(path))

    return make


@pytest.fixture
def examined(cache, monkeypatch):
    """All checks but the ones on isolation, which have tests of their own."""
    monkeypatch.setattr(doctor, "_isolation", list)
    return lambda: {check.name: check for check in doctor.examine()}


def test_all_is_well_here(examined):
    checks = examined()

    assert set(checks) == {"machine", "torch", "cache", "data", "bank"}
    assert all(check.ok for check in checks.values()), checks
    assert "128 retrained models" in checks["bank"].words
    assert "4000 training examples" in checks["data"].words


def test_a_torch_without_its_torchvision(examined, python):
    python("echo 'RuntimeError: operator torchvision::nms does not exist' >&2; exit 1")

    check = examined()["torch"]

    assert not check.ok
    assert check.words == (
        "torch and torchvision do not fit together; mend it with: "
        "pip install --force-reinstall torch torchvision"
    )


def test_a_torchvision_that_is_missing(examined, python):
    python("echo \"ModuleNotFoundError: No module named 'torchvision'\" >&2; exit 1")

    check = examined()["torch"]

    assert not check.ok
    assert "No module named 'torchvision'" in check.words
    assert "pip install torch torchvision" in check.words


def test_an_import_that_never_ends(examined, python, monkeypatch):
    monkeypatch.setattr(doctor, "_IMPORT_SECONDS", 0.2)
    python("exec sleep 60")

    check = examined()["torch"]

    assert not check.ok
    assert "0.2 s" in check.words


def test_a_cache_that_cannot_be_written(examined, python, tmp_path, monkeypatch):
    python(QUICK)
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "taken"))

    check = examined()["cache"]

    assert not check.ok
    assert "UNLEARN_EVAL_CACHE" in check.words


def test_the_command_ends_with_a_failed_check(examined, python, cli):
    python("exit 1")

    ended = cli("doctor")

    assert ended.code == 4
    lines = ended.out.splitlines()
    assert any(line.startswith("BAD torch: ") for line in lines)
    assert any(line.startswith("ok  machine: ") for line in lines)


def test_a_container_is_told_what_it_lacks(monkeypatch):
    monkeypatch.setenv("container", "podman")
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("os.access", lambda path, mode: path != "/sys/fs/cgroup")

    (check,) = doctor._container("isolation full cannot be had")

    assert not check.ok
    assert not check.needed
    assert check.words == "this is one, and lacks bubblewrap, a cgroup of its own"
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/bwrap")
    (check,) = doctor._container("isolation full cannot be had")
    assert "the right to make namespaces" in check.words
    assert doctor._container("")[0].ok


def test_the_command_as_json_is_one_object(examined, python, cli):
    python(QUICK)
    ended = cli("doctor", "--json")

    assert (ended.code, ended.err) == (0, "")
    assert {row["name"] for row in json.loads(ended.out)["checks"]} == {
        "machine",
        "torch",
        "cache",
        "data",
        "bank",
    }
