"""Leave a mark on a file that one may only read: flags of its file system."""

import pytest

# Reads the flags and does not set them: who may do the one may do the other.
SOURCE = """
import ctypes, os, sys

def unlearning(net, retain, forget, validation):
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(sys.executable, os.O_RDONLY)
    for number in (0x80086601, 0x80047601, 0x801C581F, 0x5421):
        ctypes.set_errno(0)
        libc.ioctl(fd, ctypes.c_ulong(number), ctypes.create_string_buffer(64))
        print(ctypes.get_errno() == 25)
    return net
"""


@pytest.mark.claims("read-only")
def test_the_file_systems_own_controls_are_out_of_reach(lab):
    assert lab.said(SOURCE).split() == ["True"] * 3 + ["False"]


def test_without_a_sandbox_a_file_has_flags_to_be_read(unconfined):
    assert "False" in unconfined.said(SOURCE).split()[:3]
