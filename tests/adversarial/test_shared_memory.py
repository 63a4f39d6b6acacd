"""Read and overwrite the shared memory of the user's other programs."""

import tempfile

import pytest

from harness.sandbox.child.namespaces import SHARED_MEMORY

SOURCE = """
def unlearning(net, retain, forget, validation):
    for mode in ("r", "r+"):
        try:
            with open(PATH, mode) as file:
                print(file.read() if mode == "r" else "opened to write")
        except OSError:
            pass
    return net
"""


@pytest.fixture
def segment():
    with tempfile.NamedTemporaryFile("w", dir=SHARED_MEMORY) as file:
        file.write("of another program")
        file.flush()
        yield file.name


@pytest.mark.claims("shared-memory")
def test_nobody_elses_shared_memory_is_in_reach(lab, segment):
    assert lab.said(SOURCE, PATH=segment) == ""


def test_without_a_sandbox_it_is(unconfined, segment):
    said = unconfined.said(SOURCE, PATH=segment)
    assert said == "of another program\n" + "opened to write\n"
