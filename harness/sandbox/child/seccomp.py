"""The system calls that a run is refused, as a seccomp filter.

All is allowed but what is named here: torch, numpy and a C compiler must work, and
the namespaces or landlock do the rest. What is named reaches past those: other
processes, the kernel's own configuration, sockets that no namespace covers, ways to
keep state between runs, and the counters that the cost is read from.
"""

import ctypes
import errno
from collections.abc import Iterable
from dataclasses import dataclass

from harness.sandbox.child import bpf
from harness.sandbox.child.bpf import Instruction
from harness.sandbox.child.syscalls import (
    FIRST_UNKNOWN,
    Architecture,
    calls_of,
    checked,
    libc,
    this_architecture,
)

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
# CLONE_NEW* but NEWTIME, which shares bits with a signal; CLONE_UNTRACED, by which a
# process hides from who counts it; CLONE_PIDFD, whose number is the whole machine's.
_FORBIDDEN_CLONES = 0x7E020000 | 0x00800000 | 0x1000
_CLONE_FILES, _CLONE_THREAD = 0x400, 0x10000
_STATX_MNT_ID_UNIQUE = 0x4000
_SHARED, _ANONYMOUS = 0x01, 0x20
_AF_UNIX, _SOCK_STREAM, _SOCK_SEQPACKET, _SOCK_TYPE = 1, 1, 5, 0xF
_O_TRUNC, _O_ACCMODE = 0x200, 0x3

# Not even known here, so that programs fall back to what they used before.
_UNKNOWN = (
    "bpf cachestat clone3 fanotify_init file_setattr fsconfig fsmount fsopen fspick "
    "inotify_init inotify_init1 io_setup io_uring_enter io_uring_register "
    "io_uring_setup kcmp keyctl add_key request_key landlock_create_ruleset listmount "
    "memfd_secret mount_setattr move_mount mq_open mq_unlink msgctl msgget msgrcv "
    "msgsnd open_tree open_tree_attr perf_event_open pidfd_getfd pidfd_open "
    "pidfd_send_signal preadv2 process_madvise process_mrelease "
    "remap_file_pages seccomp semctl semget semop semtimedop shmat shmctl shmget "
    "statmount userfaultfd vmsplice"
)
_FORBIDDEN = (
    "_sysctl acct adjtimex chroot clock_adjtime clock_settime delete_module "
    "finit_module init_module ioperm iopl ioprio_set kexec_file_load kexec_load "
    "lookup_dcookie migrate_pages modify_ldt mount move_pages name_to_handle_at "
    "open_by_handle_at pivot_root process_vm_readv process_vm_writev ptrace quotactl "
    "quotactl_fd reboot sched_setaffinity sched_setattr sched_setparam "
    "sched_setscheduler setdomainname sethostname setns settimeofday swapoff swapon "
    "sync syncfs syslog tkill umount2 unshare uselib vhangup"
)
# Landlock has no say in these; without a file system of one's own they must go.
_OTHERS_FILES = (
    "chmod chown fchmod fchmodat fchmodat2 fchown fchownat fremovexattr fsetxattr "
    "futimesat lchown lremovexattr lsetxattr removexattr removexattrat setxattr "
    "setxattrat utime utimensat utimes"
)
# TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP.
_FORBIDDEN_CONTROLS = (0x5412, 0x541C, 0x8901, 0x8902)
# Those of terminals, pipes and files in general. Those of file systems would let a run
# mark files that it may only read; a GPU's are many, so there only they are refused.
_KIND_OF_CONTROL, _OF_FILES = 0xFF00, 0x5400
_OF_FILE_SYSTEMS = (0x5800, 0x6600, 0x7600, 0x9400)
_FORBIDDEN_ARGUMENTS = (
    # To no address, so that the kernel gives a name; before Linux 5.17, by counting.
    ("bind", 2, (2,)),
    # F_SETOWN, F_SETOWN_EX, F_SETLEASE, F_NOTIFY: signals and watches on others.
    # F_SET_RW_HINT: before Linux 6.9 a mark on any file that can be read.
    # F_OFD_SETLK, F_OFD_SETLKW: locks that /proc/locks shows as nobody's.
    ("fcntl", 1, (8, 15, 37, 38, 1024, 1026, 1036)),
    # SO_COOKIE, SO_NETNS_COOKIE, SO_PEERPIDFD: the whole machine's numbers.
    ("getsockopt", 2, (57, 71, 77)),
    # SO_SNDBUF and SO_SNDBUFFORCE: what a socket holds is no process's memory.
    # SO_PASSCRED, SO_PASSPIDFD: with these a socket that connects is given a name.
    ("setsockopt", 2, (7, 16, 32, 76)),
)
# What programs ask of ``prctl``: PR_SET_ and PR_GET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_
# and PR_GET_NAME, PR_CAPBSET_READ, PR_SET_ and PR_GET_NO_NEW_PRIVS, PR_SET_ and
# PR_GET_THP_DISABLE, PR_SVE_GET_VL, PR_SME_GET_VL. Others are as if unknown: some hold
# kernel memory that no process owns (filters, names of mappings, PR_FUTEX_HASH), some
# stop counters, or hide a process from who counts what it holds.
_ALLOWED_OPTIONS = (1, 2, 3, 15, 16, 23, 38, 39, 41, 42, 51, 64)


@dataclass(frozen=True)
class SeccompRules:
    """What the filter depends on.

    `gpu` allows what CUDA needs: memory files. `own_files` says that the run has a file
    system and a network of its own; without them, changing the metadata of files and
    connecting to the host's sockets are refused too. Where nothing else guards others'
    files and processes, so are cutting files short, and signals but to one process.
    """

    gpu: bool = False
    own_files: bool = True
    truncation_is_guarded: bool = True
    signals_only_to: int | None = None


def seccomp_filter(
    rules: SeccompRules, architecture: Architecture | None = None
) -> bytes:
    """Write the filter as an array of ``struct sock_filter``."""
    architecture = architecture or this_architecture()
    if architecture is None:
        raise OSError(errno.ENOSYS, "no seccomp filter for this processor")
    known = calls_of(architecture)
    program = [
        bpf.load(bpf.ARCHITECTURE),
        bpf.skip_if_equal(architecture.value, 1),
        bpf.verdict(bpf.KILL_PROCESS),
        bpf.load(bpf.NUMBER),
        # Also refuses the x32 calls, whose numbers carry bit 30.
        bpf.skip_if_less(FIRST_UNKNOWN, 1),
        bpf.refuse(errno.ENOSYS),
    ]
    for name, body in _bodies(rules).items():
        if name in known:
            program += [bpf.skip_unless_equal(known[name], len(body)), *body]
    return bpf.assemble([*program, bpf.verdict(bpf.ALLOW)])


def install_seccomp(code: bytes) -> None:
    """Put this thread, and all it starts, under a filter for good.

    NO_NEW_PRIVS must be set already.
    """
    buffer = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    program = Program(len(code) // 8, ctypes.addressof(buffer))
    result = libc().prctl(
        _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0
    )
    checked(result, "seccomp")


def _bodies(rules: SeccompRules) -> dict[str, list[Instruction]]:
    """Say for each call named what is done; each body ends the filter."""
    unknown, forbidden = _UNKNOWN.split(), _FORBIDDEN.split()
    if not rules.gpu:
        # Memory that belongs to no process and to no file system is not bounded.
        unknown.append("memfd_create")
    bodies = {name: [bpf.refuse(errno.ENOSYS)] for name in unknown}
    if not rules.own_files:
        forbidden += [*_OTHERS_FILES.split(), "connect"]
    bodies |= {name: [bpf.refuse(errno.EPERM)] for name in forbidden}
    for name, index, values in _FORBIDDEN_ARGUMENTS:
        bodies[name] = _refuse_values(index, values)
    bodies |= {
        "clone": _clones(),
        "ioctl": _controls(gpu=rules.gpu),
        # It does as if: a session is a number that the whole machine counts.
        "setsid": [bpf.refuse(0)],
        "statx": _refuse_bits(3, _STATX_MNT_ID_UNIQUE),
        "personality": _allow_only(0, (0, 0xFFFFFFFF)),
        "prctl": _allow_only(0, _ALLOWED_OPTIONS, errno.EINVAL),
        # Of oneself, by 0, and of nobody else.
        "prlimit64": _allow_only(0, (0,)),
        # Of oneself.
        "setpriority": _both_zero(bpf.argument_low(0), bpf.argument_low(1)),
        "socket": _unix_sockets(streams_only=not rules.own_files),
    }
    if not rules.gpu:
        bodies["mmap"] = _no_shared_memory()
    if not rules.own_files:
        bodies["socketpair"] = bodies["socket"]
        # To no address.
        bodies["sendto"] = _both_zero(bpf.argument_low(4), bpf.argument_high(4))
    if not rules.truncation_is_guarded:
        bodies |= _truncation()
    if rules.signals_only_to is not None:
        bodies |= _signals(rules.signals_only_to)
    return bodies


def _refuse_values(index: int, values: Iterable[int]) -> list[Instruction]:
    body = [bpf.load(bpf.argument_low(index))]
    for value in values:
        body += [bpf.skip_unless_equal(value, 1), bpf.refuse(errno.EPERM)]
    return [*body, bpf.verdict(bpf.ALLOW)]


def _allow_only(
    index: int, values: Iterable[int], error: int = errno.EPERM
) -> list[Instruction]:
    body = [bpf.load(bpf.argument_low(index))]
    for value in values:
        body += [bpf.skip_unless_equal(value, 1), bpf.verdict(bpf.ALLOW)]
    return [*body, bpf.refuse(error)]


def _clones() -> list[Instruction]:
    """Refuse ways to hide, and a process that shares its table of files with others.

    Locks that it took would outlive it there, and be counted as nobody's.
    """
    return [
        bpf.load(bpf.argument_low(0)),
        bpf.keep_bits(_CLONE_FILES | _CLONE_THREAD),
        bpf.skip_unless_equal(_CLONE_FILES, 1),
        bpf.refuse(errno.EPERM),
        *_refuse_bits(0, _FORBIDDEN_CLONES),
    ]


def _controls(*, gpu: bool) -> list[Instruction]:
    """Refuse as ``ENOTTY`` what is for the kind of a device that is not there."""
    body = [bpf.load(bpf.argument_low(1)), bpf.keep_bits(_KIND_OF_CONTROL)]
    if gpu:
        for kind in _OF_FILE_SYSTEMS:
            body += [bpf.skip_unless_equal(kind, 1), bpf.refuse(errno.ENOTTY)]
    else:
        body += [bpf.skip_if_equal(_OF_FILES, 1), bpf.refuse(errno.ENOTTY)]
    return [*body, *_refuse_values(1, _FORBIDDEN_CONTROLS)]


def _refuse_bits(index: int, mask: int) -> list[Instruction]:
    return [
        bpf.load(bpf.argument_low(index)),
        bpf.skip_unless_any_bit(mask, 1),
        bpf.refuse(errno.EPERM),
        bpf.verdict(bpf.ALLOW),
    ]


def _no_shared_memory() -> list[Instruction]:
    """Refuse to map memory that is shared and of no file, for want of memory.

    No process's size shows it, and each piece has a number that the machine counts.
    """
    return [
        bpf.load(bpf.argument_low(3)),
        bpf.keep_bits(_SHARED | _ANONYMOUS),
        bpf.skip_unless_equal(_SHARED | _ANONYMOUS, 1),
        bpf.refuse(errno.ENOMEM),
        bpf.verdict(bpf.ALLOW),
    ]


def _unix_sockets(*, streams_only: bool) -> list[Instruction]:
    """Refuse all families but one; a datagram socket can name any receiver."""
    body = [
        bpf.load(bpf.argument_low(0)),
        bpf.skip_if_equal(_AF_UNIX, 1),
        bpf.refuse(errno.EAFNOSUPPORT),
    ]
    if streams_only:
        body += [
            bpf.load(bpf.argument_low(1)),
            bpf.keep_bits(_SOCK_TYPE),
            bpf.skip_if_equal(_SOCK_STREAM, 2),
            bpf.skip_if_equal(_SOCK_SEQPACKET, 1),
            bpf.refuse(errno.EPERM),
        ]
    return [*body, bpf.verdict(bpf.ALLOW)]


def _both_zero(one: int, other: int) -> list[Instruction]:
    """Allow a call only if the words at two offsets are both 0."""
    return [
        bpf.load(one),
        bpf.skip_unless_equal(0, 3),
        bpf.load(other),
        bpf.skip_unless_equal(0, 1),
        bpf.verdict(bpf.ALLOW),
        bpf.refuse(errno.EPERM),
    ]


def _truncation() -> dict[str, list[Instruction]]:
    """Refuse to cut files short by name or by opening them for reading."""

    def opening(index: int) -> list[Instruction]:
        return [
            bpf.load(bpf.argument_low(index)),
            bpf.skip_unless_any_bit(_O_TRUNC, 3),
            bpf.keep_bits(_O_ACCMODE),
            bpf.skip_unless_equal(0, 1),
            bpf.refuse(errno.EPERM),
            bpf.verdict(bpf.ALLOW),
        ]

    return {
        "truncate": [bpf.refuse(errno.EPERM)],
        "openat2": [bpf.refuse(errno.ENOSYS)],
        "open": opening(1),
        "openat": opening(2),
    }


def _signals(process: int) -> dict[str, list[Instruction]]:
    """Allow signals to one process and its group, and to the threads of it.

    A thread's number is as good as a process's for ``kill``, so that a list of
    protected processes would not do.
    """
    return {
        "kill": _allow_only(0, (0, process)),
        "tgkill": _allow_only(0, (process,)),
        "rt_sigqueueinfo": _allow_only(0, (process,)),
        "rt_tgsigqueueinfo": _allow_only(0, (process,)),
    }
