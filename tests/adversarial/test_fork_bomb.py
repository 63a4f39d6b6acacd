"""Fork until the machine stands still."""

import pytest

SOURCE = """
import os, time

def unlearning(net, retain, forget, validation):
    count = 0
    try:
        while count < 500:
            if os.fork() == 0:
                while True:
                    time.sleep(100)
            count += 1
    except OSError as error:
        print(count < 80, error.errno)
    return net
"""


@pytest.mark.claims("tasks", "end")
def test_the_number_of_processes_is_bounded_and_all_are_ended(lab):
    assert lab.said(SOURCE, memory_bytes=1 << 40) == "True 11\n"
