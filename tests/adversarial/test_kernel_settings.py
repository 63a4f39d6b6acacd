"""Write to /proc/sys and its like: what a program that crashes starts, and more."""

import pytest

SOURCE = """
from pathlib import Path

def unlearning(net, retain, forget, validation):
    paths = ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe",
             "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger",
             "/proc/sys/kernel/hostname",
             "/sys/kernel/uevent_helper", "/sys/fs/cgroup/cgroup.procs"]
    for path in map(Path, paths):
        try:
            path.open("r+b").close()
            print("opened", path)
        except OSError:
            pass
    try:
        Path("/proc/self/oom_score_adj").write_text("-1000")
        print("is safe from the kernel")
    except OSError:
        pass
    return net
"""


@pytest.mark.claims("read-only")
def test_the_kernels_settings_cannot_be_changed(lab):
    assert lab.said(SOURCE) == ""
