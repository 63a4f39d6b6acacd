"""Fill the disk: scratch space, shared memory, many small files."""

import pytest

SOURCE = """
import errno, os
from pathlib import Path

def unlearning(net, retain, forget, validation):
    block = bytes(8 << 20)
    for folder in ("/tmp", "/dev/shm"):
        written = 0
        try:
            for i in range(100):
                with open(f"{folder}/{i}", "wb", 0) as file:
                    written += file.write(block)
                    if written % len(block):
                        raise OSError(errno.ENOSPC, "cut short")
        except OSError as error:
            print(errno.errorcode[error.errno], written <= 64 << 20)
        for path in Path(folder).glob("[0-9]*"):
            path.unlink()
    try:
        for i in range(200_000):
            os.mknod(f"/tmp/{i}")
    except OSError as error:
        print(errno.errorcode[error.errno], i < 70_000)
    return net
"""


@pytest.mark.claims("disk")
def test_scratch_space_is_bounded_in_bytes_and_in_files(lab):
    assert lab.said(SOURCE).splitlines() == ["ENOSPC True"] * 3
