"""Take all memory, in one process, in many, or where it belongs to none."""

import pytest

from harness.status import Status

SOURCE = """
import mmap, os, time

def at_once():
    return bytearray(10 << 30)

def bit_by_bit():
    kept = []
    while True:
        kept.append(bytearray(16 << 20))

def by_many():
    kept = bytearray(b"x") * (150 << 20)
    for _ in range(3):
        if os.fork() == 0:
            break
    more = bytearray(b"x") * (150 << 20)
    time.sleep(20)

def shared():
    maps = []
    for _ in range(40):
        maps.append(mmap.mmap(-1, 32 << 20))
        for page in range(0, 32 << 20, 4096):
            maps[-1][page] = 1
    time.sleep(20)

def unlearning(net, retain, forget, validation):
    globals()[WAY]()
    return net
"""


@pytest.mark.claims("memory")
@pytest.mark.parametrize("way", ["bit_by_bit", "by_many", "shared"])
def test_a_run_that_takes_too_much_memory_is_stopped_and_told_so(lab, way):
    report = lab.call(SOURCE, WAY=way, memory_bytes=512 << 20)
    assert report.failure.status is Status.OUT_OF_MEMORY
    assert report.usage.peak_bytes < 3 << 30


@pytest.mark.claims("memory")
def test_too_large_a_piece_is_refused_before_it_is_taken(lab):
    report = lab.call(SOURCE, WAY="at_once", memory_bytes=512 << 20)
    assert report.failure.reason.startswith("it raised MemoryError")


FIRST = """
def unlearning(net, retain, forget, validation):
    print(open("/proc/self/oom_score_adj").read().strip())
    return net
"""


def test_a_run_is_the_first_that_the_kernel_ends_for_want_of_memory(lab):
    assert lab.said(FIRST) == "1000\n"
