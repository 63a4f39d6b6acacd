"""Take all memory, in one process, in many, or where it belongs to none."""

import pytest

from harness.status import Status

SOURCE = """
import os, time

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

def unlearning(net, retain, forget, validation):
    globals()[WAY]()
    return net
"""


@pytest.mark.claims("memory")
@pytest.mark.parametrize("way", ["bit_by_bit", "by_many"])
def test_a_run_that_takes_too_much_memory_is_stopped_and_told_so(lab, way):
    report = lab.call(SOURCE, WAY=way, memory_bytes=512 << 20)
    assert report.failure.status is Status.OUT_OF_MEMORY
    assert report.usage.peak_bytes < 3 << 30


@pytest.mark.claims("memory")
def test_too_large_a_piece_is_refused_before_it_is_taken(lab):
    report = lab.call(SOURCE, WAY="at_once", memory_bytes=512 << 20)
    assert report.failure.reason.startswith("it raised MemoryError")


UNNAMED = """
import mmap

def unlearning(net, retain, forget, validation):
    mmap.mmap(-1, 1 << 20)
"""


@pytest.mark.claims("memory")
def test_shared_memory_that_belongs_to_no_process_is_refused_with_the_remedy(lab):
    assert "a file in /dev/shm does it" in lab.call(UNNAMED).failure.reason


FIRST = """
def unlearning(net, retain, forget, validation):
    print(open("/proc/self/oom_score_adj").read().strip())
    return net
"""


def test_a_run_is_the_first_that_the_kernel_ends_for_want_of_memory(lab):
    assert lab.said(FIRST) == "1000\n"
