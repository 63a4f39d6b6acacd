"""Gain privileges through a program of the system that has them."""

import pytest

SOURCE = """
import os, subprocess
from pathlib import Path

def unlearning(net, retain, forget, validation):
    programs = [p for p in ("/usr/bin/su", "/usr/bin/mount", "/usr/bin/passwd",
                "/usr/bin/newgrp", "/usr/bin/sudo") if os.path.exists(p)]
    for program in programs:
        subprocess.run([program, "--version"], capture_output=True, stdin=-3)
    copy = Path("shell")
    copy.write_bytes(Path("/bin/true").read_bytes())
    try:
        copy.chmod(0o4755)
        os.chown(copy, 0, 0)
        print("made a program of root's" if copy.stat().st_uid == 0 else "")
    except OSError:
        pass
    status = Path("/proc/self/status").read_text()
    print("NoNewPrivs:\\t1" in status, "CapEff:\\t0000000000000000" in status)
    print("CapPrm:\\t0000000000000000" in status, os.getuid() != 0)
    return net
"""


@pytest.mark.claims("privileges")
def test_no_program_gives_a_run_more_than_it_has(lab):
    assert lab.said(SOURCE) == "True True\nTrue True\n"
