"""System calls by name, on the two processor families that are supported."""

import ctypes
import errno
import os
import platform
from enum import Enum
from functools import cache
from types import MappingProxyType


class Architecture(Enum):
    """A processor family; the value is its ``AUDIT_ARCH_*`` in ``linux/audit.h``."""

    X86_64 = 0xC000003E
    AARCH64 = 0xC00000B7


#: Numbers from here on came after this list was made; what they do is not known.
FIRST_UNKNOWN = 470

# Name, number on x86-64, number on aarch64; - where the family never had the call. From
# Linux's arch/x86/entry/syscalls/syscall_64.tbl and asm-generic/unistd.h.
_TABLE = """
_sysctl 156 -, acct 163 89, add_key 248 217, adjtimex 159 171, bind 49 200, bpf 321 280,
cachestat 451 451, capset 126 91, chmod 90 -, chown 92 -, chroot 161 51, clock_adjtime
305 266, clock_settime 227 112, clone 56 220, clone3 435 435, connect 42 203, creat 85
-, delete_module 176 106, fanotify_init 300 262, fchmod 91 52, fchmodat 268 53,
fchmodat2 452 452, fchown 93 55, fchownat 260 54, fcntl 72 25, file_setattr 469 469,
finit_module 313 273, fremovexattr 199 16, fsconfig 431 431, fsetxattr 190 7, fsmount
432 432, fsopen 430 430, fspick 433 433, futimesat 261 -, getsockopt 55 209, init_module
175 105, inotify_init 253 -, inotify_init1 294 26, io_setup 206 0, io_uring_enter 426
426, io_uring_register 427 427, io_uring_setup 425 425, ioctl 16 29, ioperm 173 -, iopl
172 -, ioprio_set 251 30, kcmp 312 272, kexec_file_load 320 294, kexec_load 246 104,
keyctl 250 219, kill 62 129, landlock_add_rule 445 445, landlock_create_ruleset 444 444,
landlock_restrict_self 446 446, lchown 94 -, listmount 458 458, lookup_dcookie 212 18,
lremovexattr 198 15, lsetxattr 189 6, memfd_create 319 279, memfd_secret 447 447,
migrate_pages 256 238, mmap 9 222, modify_ldt 154 -, mount 165 40, mount_setattr 442
442, move_mount 429 429, move_pages 279 239, mq_open 240 180, mq_unlink 241 181, msgctl
71 187, msgget 68 186, msgrcv 70 188, msgsnd 69 189, name_to_handle_at 303 264, open 2
-, open_by_handle_at 304 265, open_tree 428 428, open_tree_attr 467 467, openat 257 56,
openat2 437 437, perf_event_open 298 241, personality 135 92, pidfd_getfd 438 438,
pidfd_open 434 434, pidfd_send_signal 424 424, pivot_root 155 41, prctl 157 167, preadv2
327 286, prlimit64 302 261, process_madvise 440 440, process_mrelease 448 448,
process_vm_readv 310 270, process_vm_writev 311 271, ptrace 101 117, quotactl 179 60,
quotactl_fd 443 443, reboot 169 142, remap_file_pages 216 234, removexattr 197 14,
removexattrat 466 466, request_key 249 218, rt_sigqueueinfo 129 138, rt_tgsigqueueinfo
297 240, sched_setaffinity 203 122, sched_setattr 314 274, sched_setparam 142 118,
sched_setscheduler 144 119, seccomp 317 277, semctl 66 191, semget 64 190, semop 65 193,
semtimedop 220 192, sendto 44 206, setdomainname 171 162, sethostname 170 161, setns 308
268, setpriority 141 140, setsid 112 157, setsockopt 54 208, settimeofday 164 170,
setxattr 188 5, setxattrat 463 463, shmat 30 196, shmctl 31 195, shmget 29 194, socket
41 198, socketpair 53 199, statmount 457 457, statx 332 291, swapoff 168 225, swapon 167
224, sync 162 81, syncfs 306 267, syslog 103 116, tgkill 234 131, tkill 200 130,
truncate 76 45, umount2 166 39, unshare 272 97, uselib 134 -, userfaultfd 323 282, utime
132 -, utimensat 280 88, utimes 235 -, vhangup 153 58, vmsplice 278 75
"""
_ROWS = [row.split() for row in _TABLE.split(",")]


@cache
def this_architecture() -> Architecture | None:
    """Family of this machine's processor, None where it is not supported."""
    names = {"x86_64": Architecture.X86_64, "aarch64": Architecture.AARCH64}
    return names.get(platform.machine()) if platform.system() == "Linux" else None


@cache
def calls_of(architecture: Architecture) -> MappingProxyType[str, int]:
    """Numbers of the calls that a processor family has."""
    column = 1 if architecture is Architecture.X86_64 else 2
    known = {row[0]: int(row[column]) for row in _ROWS if row[column] != "-"}
    return MappingProxyType(known)


@cache
def libc() -> ctypes.CDLL:
    """The C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def call(name: str, *args: object) -> int:
    """Make a system call that the C library has no function for."""
    architecture = this_architecture()
    if architecture is None:
        raise OSError(errno.ENOSYS, "not a supported processor", name)
    words = [calls_of(architecture)[name], *args]
    # Whole registers: an int alone would leave their upper halves to chance.
    registers = [ctypes.c_long(w) if isinstance(w, int) else w for w in words]
    result: int = libc().syscall(*registers)
    return checked(result, name)


def checked(result: int, what: str) -> int:
    """Return a C call's result, or raise its error if it is negative."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)
    return result
