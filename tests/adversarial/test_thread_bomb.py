"""Start threads until the machine has no more."""

import pytest

SOURCE = """
import threading

def unlearning(net, retain, forget, validation):
    threading.stack_size(64 << 10)
    stop, count = threading.Event(), 0
    try:
        while count < 500:
            threading.Thread(target=stop.wait, daemon=True).start()
            count += 1
    except RuntimeError:
        print(count < 80)
    return net
"""


@pytest.mark.claims("tasks")
def test_the_number_of_threads_is_bounded(lab):
    assert lab.said(SOURCE) == "True\n"
