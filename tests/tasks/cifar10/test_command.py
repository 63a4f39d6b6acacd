"""Download tools run as quiet children that cannot hang for ever."""

import os
import sys

import pytest

from harness.tasks.cifar10.download import run_download
from harness.tasks.cifar10.source import SourceError


def _python(program):
    return [sys.executable, "-c", program]


def test_output_is_returned_and_kept_off_the_terminal(tmp_path, recorded, capfd):
    program = "import sys; print('a\\n\\n b'); print('c', file=sys.stderr); sys.exit(3)"
    ended = run_download(_python(program), tmp_path, recorded, patience=60)
    assert ended.exit_code == 3
    assert sorted(ended.lines) == ["a", "b", "c"]
    assert capfd.readouterr() == ("", "")


def test_it_runs_in_the_folder_and_has_no_stdin(tmp_path, recorded):
    program = "import sys; open('here', 'w').write(repr(sys.stdin.read()))"
    run_download(_python(program), tmp_path, recorded, patience=60)
    assert (tmp_path / "here").read_text() == "''"


def test_growth_is_told_and_a_stall_ends_the_child(tmp_path, recorded):
    program = "open('part', 'wb').write(b'12345'); import time; time.sleep(600)"
    with pytest.raises(SourceError, match=r"nothing arrived for 0\.5 s"):
        run_download(_python(program), tmp_path, recorded, patience=0.5)


def test_bytes_that_arrive_are_told(tmp_path, recorded):
    # The child ends when it sees that its bytes were noticed.
    class Noticed:
        def reach(self, done):
            recorded.reach(done)
            (tmp_path / "noticed").touch()

    program = (
        "import pathlib, time; pathlib.Path('part').write_bytes(b'12345')\n"
        "while not pathlib.Path('noticed').exists(): time.sleep(0.01)"
    )
    ended = run_download(_python(program), tmp_path, Noticed(), patience=60)
    assert ended.exit_code == 0
    assert recorded.reached[0] == 5


def test_an_interrupt_ends_the_child(tmp_path):
    class Interrupted:
        def reach(self, done):
            raise KeyboardInterrupt

    program = (
        "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid()))\n"
        "time.sleep(600)"
    )
    with pytest.raises(KeyboardInterrupt):
        run_download(_python(program), tmp_path, Interrupted(), patience=60)
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_program_that_cannot_be_started_is_a_reason(tmp_path, recorded):
    with pytest.raises(SourceError, match=r"^/no/such/tool cannot be run \(No such"):
        run_download(["/no/such/tool"], tmp_path, recorded, patience=60)
