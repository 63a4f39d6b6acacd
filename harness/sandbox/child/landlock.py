"""Landlock: let a process give up, for good, all files but those named.

Constants and structures are those of ``linux/landlock.h``; an older kernel knows fewer
of them, and says so by the number of its interface ("ABI").
"""

import ctypes
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.sandbox.child.syscalls import call

_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
_DEVICE = _READ_FILE | _WRITE_FILE | _IOCTL_DEVICE
_NO_NODES = (1 << 6) | (1 << 11)  # MAKE_CHAR and MAKE_BLOCK are never allowed

_CONNECT_AND_BIND_TCP = 0b11
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

TRUNCATION_ABI, NETWORK_ABI, DEVICE_ABI, SCOPE_ABI = 3, 4, 5, 6


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


@dataclass(frozen=True)
class Allowance:
    """The files that stay in reach, with all beneath; what does not exist is no error.

    What is writable allows everything but making device nodes; devices may be read,
    written and controlled.
    """

    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()


@cache
def landlock_abi() -> int:
    """Version of the kernel's interface, 0 where there is none.

    Asks by the call itself: the list of security modules need not be mounted.
    """
    try:
        return call("landlock_create_ruleset", None, 0, _CREATE_RULESET_VERSION)
    except OSError:
        return 0


def restrict_to(allowance: Allowance) -> None:
    """Give up all other files, and TCP, others' abstract sockets and signals to others.

    NO_NEW_PRIVS must be set already.
    """
    abi = landlock_abi()
    handled = _handled(abi)
    ruleset = _create(abi, handled)
    try:
        everything = handled & ~_NO_NODES
        _add(ruleset, allowance.readable, handled & _READ)
        _add(ruleset, allowance.writable, everything)
        _add(ruleset, allowance.devices, handled & _DEVICE)
        call("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def _handled(abi: int) -> int:
    """File rights that a version knows: all that is handled and not granted is gone."""
    n_rights = 13 + (abi >= 2) + (abi >= TRUNCATION_ABI) + (abi >= DEVICE_ABI)
    return (1 << n_rights) - 1


def _create(abi: int, handled: int) -> int:
    ruleset = _Ruleset(files=handled)
    size = 8
    if abi >= NETWORK_ABI:
        ruleset.network, size = _CONNECT_AND_BIND_TCP, 16
    if abi >= SCOPE_ABI:
        ruleset.scoped, size = _SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS, 24
    return call("landlock_create_ruleset", ctypes.byref(ruleset), size, 0)


def _add(ruleset: int, paths: Iterable[str], rights: int) -> None:
    for path in paths:
        try:
            parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            is_folder = stat.S_ISDIR(os.fstat(parent).st_mode)
            allowed = rights if is_folder else rights & _OF_FILES
            rule = _PathBeneath(allowed=allowed, parent=parent)
            beneath = ctypes.byref(rule)
            call("landlock_add_rule", ruleset, _RULE_PATH_BENEATH, beneath, 0)
        finally:
            os.close(parent)


def all_but(folder: Path, hidden: Iterable[Path]) -> tuple[Path, ...]:
    """List what covers a folder without some of what lies in it.

    A rule can only allow, with all beneath; so the neighbours of what is hidden are
    named one by one. Links count as what they lead to.
    """
    secret = {path.resolve() for path in hidden}
    covered: list[Path] = []
    waiting, seen = [folder.resolve()], set[Path]()
    while waiting:
        path = waiting.pop()
        if path in seen or any(path.is_relative_to(other) for other in secret):
            continue
        seen.add(path)
        if any(other.is_relative_to(path) for other in secret):
            waiting += [child.resolve() for child in path.iterdir()]
        else:
            covered.append(path)
    return tuple(sorted(covered))
