"""Count the runs in the kernel's keyring, which no file system shows."""

import pytest

SOURCE = """
import ctypes

def unlearning(net, retain, forget, validation):
    call = ctypes.CDLL(None, use_errno=True).syscall
    found = [call(249, b"user", b"counter", None, ring) for ring in (-3, -4, -5)]
    made = [call(248, b"user", b"counter", b"1", 1, ring) for ring in (-3, -4, -5)]
    print(found, made, call(250, 0, -3, 1))
    return net
"""


@pytest.mark.claims("system-calls")
def test_the_keyring_is_out_of_reach(lab):
    expected = "[-1, -1, -1] [-1, -1, -1] -1\n"
    assert [lab.said(SOURCE) for _ in range(2)] == [expected] * 2
