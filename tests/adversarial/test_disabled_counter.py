"""Switch the CPU counter off from inside, then work for free."""

import pytest

SOURCE = """
import ctypes, os, time

def unlearning(net, retain, forget, validation):
    libc = ctypes.CDLL(None, use_errno=True)
    print(libc.prctl(31, 0, 0, 0, 0))  # PR_TASK_PERF_EVENTS_DISABLE
    for fd in range(3, 200):
        try:
            libc.ioctl(fd, 0x2401, 0)  # PERF_EVENT_IOC_DISABLE
        except OSError:
            pass
    start = time.process_time()
    while time.process_time() - start < 0.3:
        pass
    return net
"""


@pytest.mark.claims("cpu-time")
def test_the_counter_cannot_be_switched_off_by_what_it_counts(lab):
    report = lab.call(SOURCE)
    assert report.output == "-1\n"
    assert report.usage.cpu_seconds >= 0.3
