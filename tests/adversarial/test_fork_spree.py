"""A fork bomb whose every child forks on: the kind that outruns its killer."""

import pytest

from harness.status import Status

SOURCE = """
import os

def unlearning(net, retain, forget, validation):
    while True:
        try:
            os.fork()
        except OSError:
            pass
"""


@pytest.mark.claims("tasks", "end")
def test_a_spree_of_forks_is_ended_at_the_deadline(lab):
    report = lab.call(SOURCE, limit_seconds=1.0, memory_bytes=1 << 40)
    assert report.failure.status is Status.TIMEOUT
