import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cgroups import own_cgroup
from harness.sandbox.child.cpu_counter import CgroupCounter, CpuCounters, perf_works
from harness.sandbox.host import sandbox as sandbox_module
from harness.sandbox.host.cgroup import make_leaf, remove_leaf

# Burns half a second where wait4 does not see it: twice removed, and never waited for.
PROGRAM = """
import os, resource, signal, sys, time
from pathlib import Path
from harness.sandbox.child.cpu_counter import CgroupCounter, PerfCounter
counter = CgroupCounter(Path(sys.argv[1])) if sys.argv[1] else PerfCounter()
before = counter.seconds() - time.process_time()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
reading, writing = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        while time.process_time() < 0.5:
            pass
    os._exit(0)
os.close(writing)
os.read(reading, 1)
seen = resource.getrusage(resource.RUSAGE_CHILDREN)
print(counter.seconds() - time.process_time() - before, seen.ru_utime + seen.ru_stime)
"""


def counted(command):
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(word) for word in answer.stdout.split()]


@pytest.mark.skipif(not perf_works(), reason="perf is forbidden to this user")
def test_perf_counts_processes_that_nobody_waited_for():
    seconds, seen = counted([sys.executable, "-c", PROGRAM, ""])
    assert 0.49 <= seconds < 0.6
    assert seen < 0.1


@pytest.fixture
def leaf():
    parent = own_cgroup()
    made = None if parent is None else make_leaf(parent, 99, 100)
    if made is None:
        pytest.skip("this user may not make a cgroup (version 2)")
    yield made
    remove_leaf(made)


def test_a_cgroup_counts_processes_that_nobody_waited_for(leaf):
    program = [sys.executable, "-c", PROGRAM, str(leaf)]
    enter = [*sandbox_module.ENTER, str(leaf), "--", *program]
    seconds, seen = counted(enter)
    assert 0.5 <= seconds < 0.65
    assert seen < 0.1


def test_a_cgroup_that_says_nothing_of_its_use_is_no_counter(tmp_path):
    assert "cgroup" not in CpuCounters(tmp_path).names
    (tmp_path / "cpu.stat").write_text("nr_periods 0\n")
    assert "cgroup" not in CpuCounters(tmp_path).names
    (tmp_path / "cpu.stat").write_text("usage_usec 1500000\nuser_usec 1\n")
    assert CgroupCounter(tmp_path).seconds() == 1.5


MOUNTS = "30 20 0:26 {root} {point} rw - cgroup2 cgroup rw\n"


@pytest.mark.parametrize(
    ("root", "own", "folder"),
    [
        ("/", "/user.slice/run.scope", "user.slice/run.scope"),
        ("/", "/", "."),
        ("/docker/abc", "/docker/abc/leaf", "leaf"),
    ],
)
def test_the_own_cgroup_is_found_wherever_it_is_mounted(tmp_path, root, own, folder):
    mounts, cgroups = tmp_path / "mountinfo", tmp_path / "cgroup"
    mounts.write_text(MOUNTS.format(root=root, point="/sys/fs/cgroup"))
    cgroups.write_text(f"4:memory:/old\n0::{own}\n")
    assert own_cgroup(mounts, cgroups) == Path("/sys/fs/cgroup") / folder


def test_the_own_cgroup_of_a_controller_of_version_1_is_found(tmp_path):
    mounts, cgroups = tmp_path / "mountinfo", tmp_path / "cgroup"
    line = "31 20 0:27 / /cg/{0} rw - cgroup cgroup rw,{0}\n"
    mounts.write_text(MOUNTS.format(root="/", point="/u") + line.format("memory"))
    cgroups.write_text("4:memory:/job\n0::/\n")
    assert own_cgroup(mounts, cgroups, "memory") == Path("/cg/memory/job")
    assert own_cgroup(mounts, cgroups, "pids") is None


def test_without_version_2_there_is_no_own_cgroup(tmp_path):
    assert own_cgroup(tmp_path / "absent", tmp_path / "absent") is None
    (tmp_path / "mounts").write_text("25 1 0:5 / /proc rw - proc proc rw\n")
    (tmp_path / "own").write_text("0::/\n")
    assert own_cgroup(tmp_path / "mounts", tmp_path / "own") is None


def test_leaves_of_harnesses_that_are_gone_are_removed(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    stale, alive = (
        tmp_path / f"unlearn-eval-{pid}-0" for pid in (gone.pid, os.getppid())
    )
    stale.mkdir()
    alive.mkdir()
    make_leaf(tmp_path, 0, 10)
    assert not stale.exists()
    assert alive.exists()
