"""Reach a forbidden file by a detour: links, parents, /proc, file handles."""

import pytest

SOURCE = """
import ctypes, os
from pathlib import Path

def unlearning(net, retain, forget, validation):
    os.symlink(PATH, "link")
    detours = ["link", f"../../../../../../../..{PATH}", f"/proc/self/root{PATH}",
               f"/proc/self/cwd/{PATH}", f"/proc/1/root{PATH}",
               f"/proc/{os.getppid()}/root{PATH}", f"/proc/{os.getppid()}/cwd/canary"]
    for detour in detours:
        try:
            print("got", Path(detour).read_text())
        except OSError:
            print("refused")
    try:
        os.link(PATH, "hard")
        print("got", Path("hard").read_text())
    except OSError:
        print("refused")
    libc = ctypes.CDLL(None, use_errno=True)
    print("got" if libc.chroot(b"/") == 0 else "refused")
    return net
"""


@pytest.mark.claims("files")
def test_no_detour_leads_to_a_forbidden_file(lab):
    output = lab.said(SOURCE, PATH=str(lab.canary_file))
    assert lab.canary not in output
    assert output.split() == ["refused"] * 9
