"""Fill memory with the tables by which memory is found, while holding next to none."""

import pytest

from harness.status import Status

SOURCE = """
import mmap, time

def unlearning(net, retain, forget, validation):
    size = 1 << 40
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    zeros = mmap.mmap(-1, size, flags=flags, prot=mmap.PROT_READ)
    for place in range(0, size, 2 << 20):
        zeros[place]
    time.sleep(60)
"""


@pytest.mark.claims("memory")
def test_tables_of_pages_count_as_memory(lab):
    report = lab.call(SOURCE, memory_bytes=256 << 20)
    assert report.failure.status is Status.OUT_OF_MEMORY
