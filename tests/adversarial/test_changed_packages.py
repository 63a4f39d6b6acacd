"""Change what later processes import: torch, the harness, start-up hooks, caches."""

import sys
import sysconfig
from pathlib import Path

import pytest

import harness

SOURCE = """
import os
from pathlib import Path

def unlearning(net, retain, forget, validation):
    for folder in FOLDERS:
        for name in ("sitecustomize.py", "evil.pth", "__pycache__/evil.pyc"):
            try:
                path = Path(folder, name)
                path.write_text("raise SystemExit")
                print("wrote", path)
                path.unlink()
            except OSError:
                pass
    for attempt in (
        lambda: open(FILE, "a").write("\\n"),
        lambda: os.truncate(FILE, 0),
        lambda: os.close(os.open(FILE, os.O_RDONLY | os.O_TRUNC)),
        lambda: os.chmod(FILE, 0o777),
        lambda: os.rename(FILE, FILE + ".old"),
        lambda: os.unlink(FILE),
        lambda: os.utime(FILE),
    ):
        try:
            attempt()
            print("changed", FILE)
        except OSError:
            pass
    return net
"""


@pytest.mark.claims("read-only")
def test_nothing_that_is_imported_later_can_be_changed(lab):
    victim = lab.folder / "module.py"
    victim.write_text("fine = True\n")
    folders = [
        sysconfig.get_path("purelib"),
        sysconfig.get_path("stdlib"),
        str(Path(harness.__file__).parent),
        str(Path(sys.executable).parent),
        str(lab.folder),
        "/usr/lib/python3",
        "/etc",
        "/",
    ]
    assert lab.said(SOURCE, FOLDERS=folders, FILE=str(victim)) == ""
    assert victim.read_text() == "fine = True\n"


def test_without_a_sandbox_a_file_can_be_changed(unconfined, tmp_path):
    victim = tmp_path / "module.py"
    victim.write_text("fine = True\n")
    output = unconfined.said(SOURCE, FOLDERS=[str(tmp_path)], FILE=str(victim))
    assert "wrote" in output
    assert "changed" in output
