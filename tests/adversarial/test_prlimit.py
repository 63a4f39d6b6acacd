"""Starve the harness by lowering its limits from outside."""

import os
import resource

import pytest

SOURCE = """
import resource

def unlearning(net, retain, forget, validation):
    for pid in PIDS:
        try:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (1000, 1000))
            print("lowered", pid)
        except OSError:
            pass
    return net
"""


@pytest.mark.claims("signals")
def test_nobody_elses_limits_can_be_changed(lab):
    before = resource.prlimit(lab.bystander.pid, resource.RLIMIT_NOFILE)
    pids = [lab.bystander.pid, os.getpid()]
    assert lab.said(SOURCE, PIDS=pids) == ""
    assert resource.prlimit(lab.bystander.pid, resource.RLIMIT_NOFILE) == before
