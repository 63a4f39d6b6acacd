"""Attack the kernel: interfaces that honest code does not need and exploits do."""

import pytest

SOURCE = """
import ctypes, errno

CALLS = {
    "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "bpf": 321,
    "perf_event_open": 298, "userfaultfd": 323, "io_uring_setup": 425, "kcmp": 312,
    "kexec_load": 246, "init_module": 175, "finit_module": 313,
    "open_by_handle_at": 304,
    "pidfd_getfd": 438, "mount_setattr": 442, "move_mount": 429, "fsopen": 430,
    "quotactl": 179, "swapon": 167, "acct": 163, "reboot": 169, "settimeofday": 164,
    "io_setup": 206, "landlock_create_ruleset": 444, "cachestat": 451, "preadv2": 327,
    "x32 read": 0x40000000, "unknown": 500,
}

def unlearning(net, retain, forget, validation):
    libc = ctypes.CDLL(None, use_errno=True)
    for name, number in CALLS.items():
        result = libc.syscall(ctypes.c_long(number), -1, 0, 0, 0, 0, 0)
        if result != -1 or ctypes.get_errno() not in (errno.ENOSYS, errno.EPERM):
            print(name, result, errno.errorcode.get(ctypes.get_errno()))
    return net
"""


@pytest.mark.claims("system-calls")
def test_none_of_them_is_reached(lab):
    assert lab.said(SOURCE) == ""


def test_without_a_sandbox_some_are_reached(unconfined):
    """Of those alone that do nothing when called with nonsense."""
    calls = {"preadv2": 327, "pidfd_getfd": 438, "kcmp": 312}
    source = SOURCE.replace("CALLS.items()", "HARMLESS.items()")
    assert "preadv2 -1 EBADF" in unconfined.said(source, HARMLESS=calls)
