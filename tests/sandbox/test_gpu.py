"""What a run on a GPU is given, and that no other run is. Tried without a GPU."""

import os
from pathlib import Path

import pytest

from harness.cli import doctor
from harness.sandbox import Level, Sandbox, not_enforced_on
from harness.sandbox.child.confinement import Confinement, confine
from harness.sandbox.child.seccomp import SeccompRules
from harness.sandbox.host.bubblewrap import bubblewrap_command

NODES = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm")
ON = pytest.mark.parametrize("gpu", [False, True])


@pytest.fixture
def nodes(monkeypatch):
    """A machine with a GPU, as far as a look into /dev tells."""
    known = Path.glob

    def glob(self, pattern):
        found = map(Path, NODES) if str(self) == "/dev" else known(self, pattern)
        return iter(list(found))

    monkeypatch.setattr(Path, "glob", glob)


@ON
def test_the_gpus_nodes_are_bound_for_a_run_on_it_alone(nodes, gpu):
    command = bubblewrap_command(
        system=(), readable=(), secret=(), inputs=Path("/"), gpu=gpu
    )
    for node in NODES:
        assert (node in command) is gpu
    assert ("/sys" in command) is gpu


def test_nodes_that_the_first_use_makes_are_made_before_they_are_looked_up(
    tmp_path, monkeypatch
):
    asked, module = [], "harness.sandbox.host.sandbox"
    monkeypatch.setattr(f"{module}.shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(
        f"{module}.subprocess.run", lambda words, **_: asked.append(words)
    )
    sandbox = Sandbox(Level.NONE)
    sandbox.wrap([], tmp_path / "inputs", gpu=False)
    assert asked == []
    sandbox.wrap([], tmp_path / "inputs", gpu=True)
    assert asked == [["/usr/bin/nvidia-modprobe", "-u", "-c", "0"]]


@ON
def test_landlock_allows_them_for_a_run_on_it_alone(nodes, monkeypatch, gpu):
    allowed = []
    module = "harness.sandbox.child.confinement"
    for name in ("be_first_out_of_memory", "limit", "forgo_new_privileges"):
        monkeypatch.setattr(f"{module}.privileges.{name}", lambda *words: None)
    for name in ("set_dumpable", "drop_capabilities"):
        monkeypatch.setattr(f"{module}.privileges.{name}", lambda *words: None)
    monkeypatch.setattr(f"{module}.die_with_parent", lambda: None)
    monkeypatch.setattr(f"{module}._settle_in", lambda scratch: None)
    monkeypatch.setattr(f"{module}.restrict_to", allowed.append)
    rules = []
    monkeypatch.setattr(f"{module}.seccomp_filter", rules.append)
    monkeypatch.setattr(f"{module}.install_seccomp", lambda code: None)
    plan = Confinement(landlock=True, filtered=True, gpu=gpu)
    confine(plan, None, None, os.getpid())
    (allowance,) = allowed
    assert (set(NODES) <= set(allowance.devices)) is gpu
    assert not gpu or not set(NODES) & set(allowance.readable)
    assert ("/sys" in allowance.readable) is gpu
    assert isinstance(rules[0], SeccompRules)
    assert rules[0].gpu is gpu


def test_what_a_gpu_does_not_enforce_is_named_for_it_alone():
    assert not_enforced_on("cpu") == ()
    assert "the GPU's driver" in not_enforced_on("cuda")


@ON
def test_the_doctor_says_so_where_there_is_one(monkeypatch, gpu):
    class Machine:
        pass

    machine = Machine()
    machine.gpu = "1 x some GPU" if gpu else ""
    monkeypatch.setattr(doctor, "this_machine", lambda: machine)
    words = " ".join(check.words for check in doctor._on_a_gpu())
    assert ("not enforced with --device cuda" in words) is gpu
