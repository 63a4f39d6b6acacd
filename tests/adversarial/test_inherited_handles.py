"""Use what was left open: files, sockets, the channel to the harness."""

import pytest

SOURCE = """
import os, socket, stat

def unlearning(net, retain, forget, validation):
    for fd in range(1024):
        try:
            mode = os.fstat(fd).st_mode
        except OSError:
            continue
        kind = "pipe" if stat.S_ISFIFO(mode) else "other"
        print(fd, kind if fd else os.readlink("/proc/self/fd/0"))
    return net
"""


@pytest.mark.claims("handles")
def test_a_run_holds_its_output_its_result_and_nothing_else(lab):
    expected = ["0 /dev/null", "1 pipe", "2 pipe", "3 pipe"]
    assert lab.said(SOURCE).splitlines() == expected
