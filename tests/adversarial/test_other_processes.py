"""Read the memory and the environment of the harness, its template, and neighbours."""

import os

import pytest

SOURCE = """
import ctypes, os
from pathlib import Path

def unlearning(net, retain, forget, validation):
    libc = ctypes.CDLL(None, use_errno=True)
    for pid in {os.getppid(), *PIDS} - {0, os.getpid()}:
        for name in ("mem", "environ", "maps", "fd", "cwd/canary"):
            path = Path(f"/proc/{pid}/{name}")
            try:
                if name == "fd":
                    print("listed", [os.readlink(p) for p in path.iterdir()])
                elif name == "mem":
                    path.open("rb").close()
                    print("opened", path)
                else:
                    print("read", path.read_bytes())
            except OSError:
                pass
        if libc.ptrace(16, pid, 0, 0) == 0:
            print("traced", pid)
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if WORD in path.read_text():
                print("read", path)
        except OSError:
            pass
    return net
"""


@pytest.mark.claims("processes")
def test_no_other_process_can_be_looked_into(lab):
    pids = [os.getpid(), lab.bystander.pid]
    assert lab.said(SOURCE, PIDS=pids, WORD=lab.canary) == ""


def test_without_a_sandbox_the_harness_can_be_looked_into(unconfined):
    # Not by tracing, and not the template: to do that would stop it.
    source = SOURCE.replace("os.getppid(), ", "").replace("libc.ptrace(16", "int(16")
    source = source.replace("int(16, pid, 0, 0)", "1")
    pids = [unconfined.bystander.pid]
    output = unconfined.said(source, PIDS=pids, WORD=unconfined.canary)
    assert "read /proc/" in output
