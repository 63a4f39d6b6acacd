import subprocess
import sys

import pytest

from harness.sandbox.child.landlock import all_but, landlock_abi

needs_landlock = pytest.mark.skipif(
    landlock_abi() == 0, reason="this kernel offers no landlock"
)
PROGRAM = """
import sys
from pathlib import Path
from harness.sandbox.child.landlock import Allowance, restrict_to
from harness.sandbox.child.privileges import forgo_new_privileges
forgo_new_privileges()
folder = Path(sys.argv[1])
restrict_to(Allowance(readable=(str(folder / "open"),), writable=(str(folder / "rw"),)))
for name in ("open/a", "closed/a"):
    try:
        print((folder / name).read_text())
    except PermissionError:
        print("refused")
for name in ("rw/new", "open/new", "open/a"):
    try:
        (folder / name).write_text("new")
        print("written")
    except PermissionError:
        print("refused")
"""


@needs_landlock
def test_a_process_gives_up_all_files_but_those_named(tmp_path):
    for name in ("open", "closed", "rw"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text("content")
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    words = answer.stdout.split()
    assert words == ["content", "refused", "written", "refused", "refused"]
    assert (tmp_path / "open" / "a").read_text() == "content"


def test_a_folder_without_what_is_hidden_in_it_is_its_other_entries(tmp_path):
    for name in ("a", "b/secret", "b/c", "d"):
        (tmp_path / name).mkdir(parents=True)
    covered = all_but(tmp_path, [tmp_path / "b" / "secret"])
    assert covered == (tmp_path / "a", tmp_path / "b" / "c", tmp_path / "d")


def test_a_folder_that_hides_nothing_covers_itself(tmp_path):
    assert all_but(tmp_path, [tmp_path.parent / "elsewhere"]) == (tmp_path,)


def test_a_hidden_folder_and_all_in_it_cover_nothing(tmp_path):
    assert all_but(tmp_path, [tmp_path]) == ()
    assert all_but(tmp_path / "x", [tmp_path]) == ()


def test_a_link_to_where_something_is_hidden_does_not_show_it(tmp_path):
    (tmp_path / "lib" / "secret").mkdir(parents=True)
    (tmp_path / "lib" / "code").mkdir()
    (tmp_path / "lib" / "up").symlink_to(tmp_path)
    (tmp_path / "lib64").symlink_to("lib")
    secret = tmp_path / "lib" / "secret"
    for root in (tmp_path / "lib64", tmp_path / "lib"):
        assert all_but(root, [secret]) == (tmp_path / "lib" / "code",)
