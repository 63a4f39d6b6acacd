"""Work in several processes, and what is said where a system allows none."""

import subprocess
import sys
from pathlib import Path

import harness

PARALLEL = Path(harness.__file__).parent / "reference" / "parallel.py"
WITHOUT_SEMAPHORES = f"""
import _multiprocessing, runpy

def refused(*_, **__):
    raise OSError(30, "Read-only file system")

_multiprocessing.SemLock = refused
print(runpy.run_path({str(PARALLEL)!r})["why_serial"]())
"""


def test_without_semaphores_it_is_said_and_joblib_does_not_warn():
    """A /dev/shm that cannot be written to is the cause; a build would be serial."""
    command = [sys.executable, "-c", WITHOUT_SEMAPHORES]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)

    assert ended.stderr == ""
    assert "is /dev/shm there and writable?" in ended.stdout
