"""What machine this is."""

from dataclasses import replace

import pytest

from harness import machine as machine_module
from harness.cgroups import memory_bounds
from harness.machine import (
    available_cores,
    available_memory_bytes,
    gpus_of,
    installed_version,
    this_machine,
    total_memory_bytes,
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


MIB = 1 << 20
VERSIONS = {
    2: ("memory.max", "memory.current", "inactive_file"),
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


@pytest.fixture
def container(tmp_path, monkeypatch):
    """Write what a container of some version shows of its cgroup and the one above."""

    def write(version, *, own, above=("max", 0, 0)):
        point, kind = tmp_path / "cgroup", "cgroup2" if version == 2 else "cgroup"
        (tmp_path / "mounts").write_text(
            f"30 20 0:26 / {point} rw - {kind} cgroup rw,memory\n"
        )
        mark = "0:" if version == 2 else "4:memory"
        (tmp_path / "own").write_text(f"{mark}:/pod/job\n")
        for place, figures in (("pod/job", own), ("pod", above)):
            folder = point / place
            folder.mkdir(parents=True, exist_ok=True)
            (limit, used, label), (bound, held, cached) = VERSIONS[version], figures
            (folder / limit).write_text(f"{bound}\n")
            (folder / used).write_text(f"{held}\n")
            (folder / "memory.stat").write_text(f"anon 1\n{label} {cached}\n")
        bounds = list(memory_bounds(tmp_path / "mounts", tmp_path / "own"))
        monkeypatch.setattr(machine_module, "memory_bounds", lambda: bounds)

    return write


@pytest.mark.parametrize("version", VERSIONS)
def test_a_containers_memory_is_what_its_cgroup_allows(container, version):
    container(version, own=(64 * MIB, 40 * MIB, 0))

    assert total_memory_bytes() == 64 * MIB
    assert available_memory_bytes() == 24 * MIB


@pytest.mark.parametrize("version", VERSIONS)
def test_the_tightest_of_the_cgroups_above_bounds_it(container, version):
    container(version, own=(64 * MIB, 1 * MIB, 0), above=(32 * MIB, 31 * MIB, 0))

    assert total_memory_bytes() == 32 * MIB
    assert available_memory_bytes() == 1 * MIB


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_container_has_read_from_files_can_still_be_had(container, version):
    container(version, own=(64 * MIB, 60 * MIB, 50 * MIB))

    assert available_memory_bytes() == 54 * MIB


def test_without_a_bound_all_memory_of_the_machine_is_there(container, monkeypatch):
    container(2, own=("max", 5 * MIB, 0))
    bounded = total_memory_bytes()
    monkeypatch.setattr(machine_module, "memory_bounds", list)

    assert bounded == total_memory_bytes()
    assert 0 < available_memory_bytes() < bounded


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
