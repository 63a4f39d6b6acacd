"""Hold file locks by the thousand: kernel memory that no cgroup is charged."""

import pytest

from harness.status import Status

HOARD = """
import fcntl, os, time

def unlearning(net, retain, forget, validation):
    for number in range(10):
        fd = os.open(f"{os.environ['TMPDIR']}/{number}", os.O_RDWR | os.O_CREAT)
        # From the end on, or each would be looked for among all that there are.
        for place in range(1000, 0, -1):
            fcntl.lockf(fd, fcntl.LOCK_EX, 1, 2 * place)
    time.sleep(60)
"""
# A process that ends leaves its locks to another that has the same table of files; a
# lock of an open file is shown as nobody's.
OF_NOBODY = """
import ctypes, fcntl, os, signal, struct

LIBC = ctypes.CDLL(None, use_errno=True)
FILES = 0x400

def unlearning(net, retain, forget, validation):
    fd = os.open(os.environ["TMPDIR"] + "/locked", os.O_RDWR | os.O_CREAT)
    number = 56 if os.uname().machine == "x86_64" else 220
    flags = ctypes.c_long(FILES | signal.SIGCHLD)
    child = LIBC.syscall(number, flags, None, None, None, None)
    if child == 0:
        os._exit(0)
    print("process", "refused" if child < 0 else "shares its files")
    try:
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0)
        fcntl.fcntl(fd, 37, lock)  # F_OFD_SETLK
        print("file locked")
    except OSError:
        print("file refused")
    return net
"""
HONEST = """
import fcntl, os, sqlite3

def unlearning(net, retain, forget, validation):
    folder = os.environ["TMPDIR"]
    with sqlite3.connect(folder + "/losses.db") as base:
        base.execute("create table losses (epoch, loss)")
        for epoch in range(100):
            base.execute("insert into losses values (?, 1.0)", (epoch,))
    base.close()
    with open(folder + "/lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        fcntl.lockf(file, fcntl.LOCK_EX)
    print("locked")
    return net
"""


@pytest.mark.claims("memory")
def test_a_run_that_holds_too_many_locks_is_stopped_and_told_so(lab):
    assert_stopped(lab)


def test_so_it_is_without_a_cgroup(uncounted):
    assert_stopped(uncounted)


def assert_stopped(lab):
    report = lab.call(HOARD)
    assert report.failure.status is Status.OUT_OF_MEMORY, report.failure
    assert "more file locks" in report.failure.reason


@pytest.mark.claims("system-calls")
def test_there_are_no_locks_of_nobody(lab):
    assert lab.said(OF_NOBODY) == "process refused\nfile refused\n"


def test_without_a_sandbox_there_are(unconfined):
    assert unconfined.said(OF_NOBODY) == "process shares its files\nfile locked\n"


def test_ordinary_locks_can_be_had(lab):
    assert lab.said(HONEST) == "locked\n"
