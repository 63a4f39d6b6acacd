"""What machine this is."""

from dataclasses import replace

import pytest

from harness import machine as machine_module
from harness.machine import (
    available_cores,
    gpus_of,
    installed_version,
    this_machine,
    usual_jobs,
)


def test_a_machine_of_the_same_kind_has_the_same_fingerprint():
    machine = this_machine()

    assert replace(machine, memory_gib=1).fingerprint == machine.fingerprint
    assert len(machine.fingerprint) == 16


@pytest.mark.parametrize(
    "change", [{"processor": "x"}, {"cores": 99}, {"torch": "0.1"}, {"gpu": "1 x G"}]
)
def test_whatever_changes_speed_changes_the_fingerprint(change):
    machine = this_machine()

    assert replace(machine, **change).fingerprint != machine.fingerprint


@pytest.mark.parametrize(
    ("change", "same"),
    [({"cores": 99}, True), ({"python": "4"}, True), ({"torch": "0.1"}, False)],
)
def test_arithmetic_hangs_on_processor_and_torch_alone(change, same):
    machine = this_machine()

    assert (replace(machine, **change).arithmetic == machine.arithmetic) is same


def test_it_describes_itself_in_a_line():
    words = this_machine().describe()

    assert f"{available_cores()} cores" in words
    assert "\n" not in words


def test_a_package_that_is_not_there_has_no_version():
    assert installed_version("torch") != "missing"
    assert installed_version("no-such-package-here") == "missing"


@pytest.fixture
def two_gpus(monkeypatch):
    facts = (("NVIDIA H200", "570.1"),) * 2
    monkeypatch.setattr("harness.machine._gpu_facts", lambda: facts)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_a_device_names_its_gpus_as_the_driver_counts_them(two_gpus, monkeypatch):
    assert gpus_of("cpu") == ()
    assert gpus_of("cuda") == ("0", "1")
    assert gpus_of("cuda:1") == ("1",)
    assert gpus_of("cuda:2") == ()
    assert (usual_jobs("cuda"), usual_jobs("cuda:0")) == (2, 1)
    assert usual_jobs("cpu") == available_cores()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-ab")
    assert gpus_of("cuda:1") == ("GPU-ab",)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1, -1, 0")
    assert gpus_of("cuda") == ("1",)


def test_arithmetic_on_a_gpu_names_it_and_its_libraries_however_many(two_gpus):
    machine = replace(this_machine(), gpu=machine_module._gpu())

    assert machine.gpu.startswith("2 x NVIDIA H200, driver 570.1, cuDNN ")
    assert "TF32" in machine.gpu
    ours = machine.arithmetic_on("cuda")
    assert ours != machine.arithmetic == machine.arithmetic_on("cpu")
    for change in ("1 x NVIDIA H200", machine.gpu.replace("cuDNN ", "cuDNN 1")):
        assert replace(machine, gpu=change).arithmetic_on("cuda") != ours
    one = machine.gpu.replace("2 x", "1 x")
    assert replace(machine, gpu=one).arithmetic_on("cuda:1") == ours


def test_gpus_of_two_kinds_are_both_named(monkeypatch):
    facts = (("NVIDIA H200", "570.1"), ("NVIDIA L4", "570.1"))
    monkeypatch.setattr("harness.machine._gpu_facts", lambda: facts)

    assert machine_module._gpu().startswith("2 x NVIDIA H200 and NVIDIA L4, driver 570")
