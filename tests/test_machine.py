"""What machine this is."""

from dataclasses import replace

import pytest

from harness.machine import available_cores, installed_version, this_machine


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
