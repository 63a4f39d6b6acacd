"""Have the kernel make a huge table for this process, which no process's size shows."""

import os
import re

import pytest

SOURCE = """
import ctypes

def unlearning(net, retain, forget, validation):
    libc = ctypes.CDLL(None, use_errno=True)
    # PR_FUTEX_HASH, PR_FUTEX_HASH_SET_SLOTS
    print(libc.prctl(78, 1, ctypes.c_ulong(1 << 12), 0, 0))
    return net
"""
FIRST_WITH_IT = (6, 16)


@pytest.mark.claims("system-calls")
def test_no_table_can_be_ordered(lab):
    assert lab.said(SOURCE) == "-1\n"


def test_without_a_sandbox_one_can(unconfined):
    release = re.findall(r"\d+", os.uname().release)[:2]
    if tuple(map(int, release)) < FIRST_WITH_IT:
        pytest.skip("this kernel makes no such tables")
    assert unconfined.said(SOURCE) == "0\n"
