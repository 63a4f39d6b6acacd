"""Let the kernel do the work, or many threads: time that a process does not show."""

import pytest

IN_THE_KERNEL = """
import os, time

def unlearning(net, retain, forget, validation):
    while time.process_time() < 0.3:
        os.urandom(1 << 22)
    return net
"""
IN_THREADS = """
import hashlib, threading, time

def unlearning(net, retain, forget, validation):
    def work():
        block = bytes(1 << 20)
        while time.thread_time() < 0.2:
            hashlib.sha256(block).digest()
    threads = [threading.Thread(target=work) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return net
"""


@pytest.mark.claims("cpu-time")
@pytest.mark.parametrize(
    ("source", "seconds"), [(IN_THE_KERNEL, 0.3), (IN_THREADS, 0.6)]
)
def test_time_in_the_kernel_and_in_threads_is_counted(lab, source, seconds):
    report = lab.call(source)
    assert report.failure is None, report.failure
    assert report.usage.cpu_seconds >= 0.95 * seconds
