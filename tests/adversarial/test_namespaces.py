"""Become root in a namespace of one's own, and mount what was read-only as writable."""

import pytest

SOURCE = """
import ctypes, os

NEW = {"user": 1 << 28, "mount": 1 << 17, "pid": 1 << 29, "net": 1 << 30}

def unlearning(net, retain, forget, validation):
    libc = ctypes.CDLL(None, use_errno=True)
    for name, flag in NEW.items():
        if libc.unshare(flag) == 0:
            print("unshared", name)
        if libc.syscall(56, flag | 17, 0, 0, 0, 0) > 0:
            print("cloned into", name)
        if libc.syscall(435, ctypes.byref((ctypes.c_uint64 * 11)(flag)), 88) > 0:
            print("cloned by clone3 into", name)
    for source, target, flags in (
        (b"none", b"/tmp", 0), (b"none", b"/usr", 0x1020), (b"/usr", b"/tmp", 0x1000)
    ):
        if libc.mount(source, target, b"tmpfs", flags, None) == 0:
            print("mounted", target)
    for path in ("/proc/self/ns/user", "/proc/1/ns/mnt"):
        try:
            if libc.setns(os.open(path, os.O_RDONLY), 0) == 0:
                print("entered", path)
        except OSError:
            pass
    for attempt in (os.setuid, os.setgid):
        try:
            attempt(0)
            print("became root") if os.getuid() else None
        except OSError:
            pass
    return net
"""


@pytest.mark.claims("system-calls")
def test_no_namespace_can_be_made_entered_or_mounted_in(lab):
    assert lab.said(SOURCE) == ""
