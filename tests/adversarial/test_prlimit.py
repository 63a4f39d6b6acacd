"""Starve the harness by lowering its limits from outside."""

import os
import resource
import subprocess

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


def test_without_a_sandbox_they_can(unconfined):
    with subprocess.Popen(["sleep", "60"]) as victim:
        said = unconfined.said(SOURCE, PIDS=[victim.pid])
        lowered = resource.prlimit(victim.pid, resource.RLIMIT_NOFILE)
        victim.kill()
    assert said == f"lowered {victim.pid}\n"
    assert lowered == (1000, 1000)
