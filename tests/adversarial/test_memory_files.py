"""Hold memory where no process's size shows it: in files that have no name."""

import pytest

SOURCE = """
import ctypes, os

def unlearning(net, retain, forget, validation):
    libc = ctypes.CDLL(None, use_errno=True)
    secret, segment = libc.syscall(447, 0), libc.shmget(0, 4096, 0o600)
    print(libc.memfd_create(b"hoard", 0), secret, segment)
    return net
"""


@pytest.mark.claims("system-calls")
def test_memory_that_nobody_counts_cannot_be_had(lab):
    assert lab.said(SOURCE) == "-1 -1 -1\n"


def test_without_a_sandbox_it_can(unconfined):
    # A segment would stay behind.
    source = SOURCE.replace("libc.shmget(0, 4096, 0o600)", "-1")
    assert int(unconfined.said(source).split()[0]) > 2
