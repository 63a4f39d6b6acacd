"""What the filter refuses and allows, by running it: on paper for both processors."""

import errno
import struct
import subprocess
import sys

import pytest

from harness.sandbox.child import bpf, seccomp
from harness.sandbox.child.seccomp import SeccompRules, seccomp_filter
from harness.sandbox.child.syscalls import FIRST_UNKNOWN, Architecture, calls_of

BOTH = pytest.mark.parametrize("architecture", list(Architecture), ids=lambda a: a.name)
FULL, PARTIAL = SeccompRules(), SeccompRules(own_files=False)
OLD_LANDLOCK = SeccompRules(
    own_files=False, truncation_is_guarded=False, signals_only_to=4321
)
ALLOWED = "allowed"
FORBIDDEN = (
    "ptrace process_vm_readv process_vm_writev mount umount2 pivot_root setns unshare "
    "sched_setaffinity kexec_load init_module reboot open_by_handle_at swapon"
)
UNKNOWN = (
    "bpf perf_event_open userfaultfd keyctl add_key request_key io_uring_setup clone3 "
    "pidfd_getfd memfd_create shmget msgget semget mq_open open_tree fsopen"
)
# Calls that torch, numpy and DataLoader workers make, on both processors.
HONEST = {"read": (0, 63), "write": (1, 64), "mmap": (9, 222), "futex": (202, 98)}
HONEST |= {"execve": (59, 221), "exit_group": (231, 94), "setrlimit": (160, 164)}


def disassemble(code):
    return [bpf.Instruction(*fields) for fields in bpf.INSTRUCTION.iter_unpack(code)]


def verdict(code, data):
    """Run a filter as the kernel does."""
    accumulator, position = 0, 0
    program = disassemble(code)
    while True:
        operation, if_true, if_false, operand = program[position]
        position += 1
        if operation == bpf.LOAD_WORD:
            (accumulator,) = struct.unpack_from("<I", data, operand)
        elif operation == bpf.AND:
            accumulator &= operand
        elif operation == bpf.JUMP_EQUAL:
            position += if_true if accumulator == operand else if_false
        elif operation == bpf.JUMP_GREATER_OR_EQUAL:
            position += if_true if accumulator >= operand else if_false
        elif operation == bpf.JUMP_ANY_BIT:
            position += if_true if accumulator & operand else if_false
        else:
            assert operation == bpf.RETURN
            return operand


def outcome(rules, architecture, name, *arguments):
    """``"allowed"``, or the name of the error that the call fails with."""
    number = name if isinstance(name, int) else calls_of(architecture)[name]
    words = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    mask = (1 << 64) - 1
    data = struct.pack(
        "<IIQ6Q", number, architecture.value, 0, *(w & mask for w in words)
    )
    value = verdict(seccomp_filter(rules, architecture), data)
    if value == bpf.ALLOW:
        return ALLOWED
    assert value & 0xFFFF0000 == bpf.ERRNO
    return errno.errorcode[value & 0xFFFF]


@BOTH
@pytest.mark.parametrize(
    "name",
    FORBIDDEN.split(),
)
def test_calls_that_reach_past_the_sandbox_are_not_permitted(architecture, name):
    assert outcome(FULL, architecture, name) == "EPERM"


@BOTH
@pytest.mark.parametrize(
    "name",
    UNKNOWN.split(),
)
def test_calls_that_programs_can_do_without_are_as_if_unknown(architecture, name):
    assert outcome(FULL, architecture, name) == "ENOSYS"


@BOTH
@pytest.mark.parametrize("name", HONEST)
def test_what_honest_programs_need_is_allowed(architecture, name):
    number = HONEST[name][list(Architecture).index(architecture)]
    for rules in (FULL, PARTIAL, OLD_LANDLOCK):
        assert outcome(rules, architecture, number) == ALLOWED


@BOTH
@pytest.mark.parametrize("family", [2, 10, 16, 17, 40, 38])
def test_every_socket_but_a_local_one_is_of_an_unsupported_family(architecture, family):
    assert outcome(FULL, architecture, "socket", family, 1) == "EAFNOSUPPORT"
    assert outcome(FULL, architecture, "socket", 1, 1) == ALLOWED


@BOTH
def test_the_upper_half_of_an_argument_does_not_hide_the_lower(architecture):
    assert outcome(FULL, architecture, "socket", (1 << 32) | 2, 1) == "EAFNOSUPPORT"


@BOTH
def test_forks_and_threads_are_allowed_and_namespaces_are_not(architecture):
    fork, thread = 0x11, 0x3D0F00
    assert outcome(FULL, architecture, "clone", fork) == ALLOWED
    assert outcome(FULL, architecture, "clone", thread) == ALLOWED
    for bit in (0x20000, 1 << 25, 1 << 26, 1 << 27, 1 << 28, 1 << 29, 1 << 30):
        assert outcome(FULL, architecture, "clone", fork | bit) == "EPERM"


@BOTH
def test_calls_newer_than_the_list_are_unknown(architecture):
    for number in (FIRST_UNKNOWN, 500, 1 << 31):
        assert outcome(FULL, architecture, number) == "ENOSYS"


def test_the_x32_way_to_the_same_calls_is_closed():
    number = 0x40000000 | calls_of(Architecture.X86_64)["ptrace"]
    assert outcome(FULL, Architecture.X86_64, number) == "ENOSYS"


def test_calls_of_another_processor_family_end_the_process():
    data = struct.pack("<IIQ6Q", 0, 0x40000003, 0, *[0] * 6)  # i386
    code = seccomp_filter(FULL, Architecture.X86_64)
    assert verdict(code, data) == bpf.KILL_PROCESS


@BOTH
def test_a_run_changes_only_its_own_limits_and_priority(architecture):
    assert outcome(FULL, architecture, "prlimit64", 0) == ALLOWED
    assert outcome(FULL, architecture, "prlimit64", 1234) == "EPERM"
    assert outcome(FULL, architecture, "setpriority", 0, 0, 5) == ALLOWED
    assert outcome(FULL, architecture, "setpriority", 0, 1234, 5) == "EPERM"
    assert outcome(FULL, architecture, "setpriority", 2, 0, 19) == "EPERM"


@BOTH
def test_terminals_leases_and_counters_cannot_be_controlled(architecture):
    for name, arguments in (
        ("ioctl", (0, 0x5412)),
        ("fcntl", (3, 1024)),
        ("fcntl", (3, 8)),
        ("setsockopt", (3, 1, 7)),
        ("setsockopt", (3, 1, 32)),
    ):
        assert outcome(FULL, architecture, name, *arguments) == "EPERM"
    assert outcome(FULL, architecture, "setsockopt", 3, 1, 2) == ALLOWED
    assert outcome(FULL, architecture, "ioctl", 0, 0x5401) == ALLOWED
    assert outcome(FULL, architecture, "fcntl", 3, 3) == ALLOWED


@BOTH
@pytest.mark.parametrize("gpu", [False, True])
def test_a_file_systems_own_controls_are_for_another_device(architecture, gpu):
    for number in (0x40086602, 0x401C5820, 0x40087602, 0x40049409):
        rules = SeccompRules(gpu=gpu)
        assert outcome(rules, architecture, "ioctl", 3, number) == "ENOTTY"


@BOTH
def test_only_a_gpu_run_may_control_a_gpu(architecture):
    for number in (0xC020462A, 0x30000001):
        gpu = SeccompRules(gpu=True)
        assert outcome(gpu, architecture, "ioctl", 3, number) == ALLOWED
        assert outcome(FULL, architecture, "ioctl", 3, number) == "ENOTTY"
    assert outcome(SeccompRules(gpu=True), architecture, "ioctl", 0, 0x5412) == "EPERM"


@BOTH
def test_a_gpu_run_may_have_memory_files(architecture):
    assert outcome(SeccompRules(gpu=True), architecture, "memfd_create") == ALLOWED


@BOTH
def test_without_a_file_system_of_its_own_a_run_touches_no_metadata(architecture):
    for name in ("fchmod", "fchownat", "setxattr", "utimensat", "fremovexattr"):
        assert outcome(FULL, architecture, name) == ALLOWED
        assert outcome(PARTIAL, architecture, name) == "EPERM"


@BOTH
def test_without_a_network_of_its_own_a_run_reaches_no_local_socket(architecture):
    assert outcome(FULL, architecture, "connect") == ALLOWED
    assert outcome(PARTIAL, architecture, "connect") == "EPERM"
    for kind, expected in ((1, ALLOWED), (5, ALLOWED), (2, "EPERM"), (3, "EPERM")):
        for name in ("socket", "socketpair"):
            assert outcome(PARTIAL, architecture, name, 1, kind | 0o2000000) == expected
    assert outcome(PARTIAL, architecture, "sendto", 3, 0, 0, 0, 0) == ALLOWED
    for address in (1, 1 << 40):
        assert outcome(PARTIAL, architecture, "sendto", 3, 0, 0, 0, address) == "EPERM"


@BOTH
def test_where_landlock_is_old_files_are_not_cut_short(architecture):
    read, write, truncate = 0, 1, 0x200
    assert outcome(OLD_LANDLOCK, architecture, "truncate") == "EPERM"
    assert outcome(OLD_LANDLOCK, architecture, "openat2") == "ENOSYS"
    flags = {read: ALLOWED, write: ALLOWED, write | truncate: ALLOWED}
    flags[read | truncate] = "EPERM"
    for value, expected in flags.items():
        assert outcome(OLD_LANDLOCK, architecture, "openat", 3, 0, value) == expected


@BOTH
def test_where_landlock_is_old_a_run_signals_only_itself(architecture):
    for target, expected in (
        (0, ALLOWED),
        (4321, ALLOWED),
        (1, "EPERM"),
        (-1, "EPERM"),
    ):
        assert outcome(OLD_LANDLOCK, architecture, "kill", target, 9) == expected
    assert outcome(OLD_LANDLOCK, architecture, "tgkill", 4321, 4322, 6) == ALLOWED
    assert outcome(OLD_LANDLOCK, architecture, "tgkill", 99, 99, 6) == "EPERM"


def test_every_call_that_is_named_is_in_the_table_of_numbers():
    """A name that is misspelt would be refused to nobody."""
    known = {name for one in Architecture for name in calls_of(one)}
    old = SeccompRules(False, False, False, 1)
    assert set(seccomp._bodies(old)) <= known


@BOTH
@pytest.mark.parametrize("rules", [FULL, PARTIAL, OLD_LANDLOCK], ids=repr)
def test_no_jump_leads_out_of_the_program(architecture, rules):
    program = disassemble(seccomp_filter(rules, architecture))
    assert len(program) < 4096
    for position, (_, if_true, if_false, _) in enumerate(program):
        assert position + 1 + max(if_true, if_false) <= len(program)
    assert program[-1] == bpf.verdict(bpf.ALLOW)


PROGRAM = """
import os, socket, sys
from harness.sandbox.child.privileges import forgo_new_privileges
from harness.sandbox.child.seccomp import SeccompRules, install_seccomp, seccomp_filter
forgo_new_privileges()
install_seccomp(seccomp_filter(SeccompRules()))
attempts = (
    lambda: socket.socket(socket.AF_INET),
    lambda: os.sched_setaffinity(0, [0]),
)
for attempt in attempts:
    try:
        attempt()
    except OSError as error:
        print(error.errno)
"""


def test_the_kernel_enforces_what_the_filter_says():
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == [str(errno.EAFNOSUPPORT), str(errno.EPERM)]


@BOTH
@pytest.mark.parametrize("rules", [FULL, PARTIAL])
def test_what_hides_or_counts_for_the_whole_machine_is_refused(architecture, rules):
    def of(name, *arguments):
        return outcome(rules, architecture, name, *arguments)

    assert of("mmap", 0, 4096, 3, 0x21) == of("mmap", 0, 4096, 3, 0x23) == "ENOMEM"
    assert of("mmap", 0, 4096, 3, 0x22) == of("mmap", 0, 4096, 1, 0x01, 3) == ALLOWED
    assert of("clone", 0x00800000 | 17) == of("clone", 0x1000 | 17) == "EPERM"
    assert of("clone", 17) == ALLOWED
    for name in ("statmount", "listmount", "vmsplice", "seccomp"):
        assert of(name) == "ENOSYS"
    for option in (57, 71, 77):
        assert of("getsockopt", 3, 1, option) == "EPERM"
    assert of("getsockopt", 3, 1, 3) == ALLOWED
    assert of("fcntl", 3, 1036) == "EPERM"
    # Names that older kernels number.
    assert of("bind", 3, 0, 2) == of("setsockopt", 3, 1, 16) == "EPERM"
    assert of("bind", 3, 0, 110) == ALLOWED
    assert of("statx", 0, 0, 0, 0x4000) == "EPERM"
    assert of("statx", 0, 0, 0, 0xFFF) == ALLOWED
    # Locks that nobody is shown to hold.
    assert of("fcntl", 3, 37) == of("fcntl", 3, 38) == of("clone", 0x411) == "EPERM"
    assert of("fcntl", 3, 6) == of("fcntl", 3, 7) == ALLOWED


@BOTH
@pytest.mark.parametrize("rules", [FULL, PARTIAL, SeccompRules(gpu=True)])
def test_of_what_a_process_may_ask_for_itself_all_else_is_unknown(architecture, rules):
    def of(option):
        return outcome(rules, architecture, "prctl", option)

    # The end with a parent, names of threads, what libcap, allocators and torch read.
    for option in (1, 2, 3, 15, 16, 23, 38, 39, 41, 42, 51, 64):
        assert of(option) == of(option | 1 << 32) == ALLOWED
    # Filters, counters, names of mappings, a table for futexes, and what is to come.
    for option in (4, 22, 31, 32, 35, 36, 62, 67, 0x53564D41, 78, 79, 1000, -1):
        assert of(option) == "EINVAL"


@BOTH
def test_shared_memory_without_a_name_is_for_gpus(architecture):
    shared = ("mmap", 0, 4096, 3, 0x21)
    assert outcome(SeccompRules(gpu=True), architecture, *shared) == ALLOWED
