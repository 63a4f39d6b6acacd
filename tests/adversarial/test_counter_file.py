"""Count the runs: leave a mark where the next one finds it, and act upon it."""

import secrets

import pytest

SOURCE = """
import ctypes, os
from pathlib import Path

def unlearning(net, retain, forget, validation):
    folders = {os.getcwd(), os.environ["HOME"]}
    folders |= {"/tmp", "/var/tmp", "/dev/shm", "/run", "/"}
    found = written = 0
    for folder in folders:
        path = Path(folder, MARK)
        try:
            found += path.exists()
            path.write_text("1")
            written += 1
        except OSError:
            pass
    libc = ctypes.CDLL(None, use_errno=True)
    found += libc.shmget(KEY, 64, 0) >= 0
    libc.shmget(KEY, 64, 0o1600)
    print(found, written > 0)
    return net
"""


@pytest.mark.claims("traces")
def test_every_run_believes_itself_the_first(lab):
    mark = secrets.token_hex(8)
    answers = {lab.said(SOURCE, MARK=mark, KEY=int(mark[:7], 16)) for _ in range(3)}
    assert answers == {"0 True\n"}


def test_without_a_sandbox_the_mark_is_found(unconfined, tmp_path):
    source = SOURCE.replace('"/tmp", "/var/tmp", "/dev/shm", "/run", "/"', "FOLDER")
    source = source.replace("libc.shmget(KEY, 64, 0o1600)", "pass")
    first, second = (
        unconfined.said(source, MARK="counter", KEY=0x4242, FOLDER=str(tmp_path))
        for _ in range(2)
    )
    assert (first, second) == ("0 True\n", "1 True\n")
