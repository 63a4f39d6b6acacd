"""Give up privileges for good, before any code of a stranger runs."""

import ctypes
import os
import resource
from pathlib import Path

from harness.sandbox.child.syscalls import call, checked, libc

_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 36, 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_CAPABILITY_VERSION_3 = 0x20080522


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilitySets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32 * 2),
        ("permitted", ctypes.c_uint32 * 2),
        ("inheritable", ctypes.c_uint32 * 2),
    )


def _control(option: int, *values: int) -> None:
    arguments = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    checked(libc().prctl(option, *arguments), f"prctl {option}")


def forgo_new_privileges() -> None:
    """No program started from here on gains anything by set-user-id bits."""
    _control(_PR_SET_NO_NEW_PRIVS, 1)


def set_dumpable(dumpable: bool) -> None:
    """Say whether processes of the same user may look into this one."""
    _control(_PR_SET_DUMPABLE, int(dumpable))


def become_subreaper() -> None:
    """Make the orphans among our descendants our children."""
    _control(_PR_SET_CHILD_SUBREAPER, 1)


def become_user(uid: int) -> None:
    """Become a user, and its group alone, for good."""
    try:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    except OSError as error:
        raise OSError(error.errno, error.strerror, "becoming another user") from None


def drop_capabilities() -> None:
    """Empty every capability set but the bounding one, which then means nothing."""
    _control(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
    call("capset", ctypes.byref(header), ctypes.byref(_CapabilitySets()))


def capabilities() -> int:
    """Effective and permitted capabilities of this process, as bits."""
    words = dict(
        line.split(":", 1)
        for line in Path("/proc/self/status").read_text().splitlines()
    )
    return int(words["CapEff"], 16) | int(words["CapPrm"], 16)


def be_first_out_of_memory() -> None:
    """Offer this process to the kernel before all others when memory runs out."""
    Path("/proc/self/oom_score_adj").write_text("1000")


def limit(what: int, value: int) -> None:
    """Lower a resource limit, soft and hard; one that is lower already stays."""
    _, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(what, (value, value))
