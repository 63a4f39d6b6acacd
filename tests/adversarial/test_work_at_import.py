"""Do the work while the file is imported, in the hope that only the call is timed."""

import pytest

SOURCE = """
import select, time
start = time.process_time()
while time.process_time() - start < 0.2:
    pass
select.select([], [], [], 0.2)

def unlearning(net, retain, forget, validation):
    return net
"""


@pytest.mark.claims("cpu-time")
def test_the_file_is_not_even_compiled_before_the_clock_runs(lab):
    report = lab.call(SOURCE)
    assert report.failure is None
    assert report.usage.cpu_seconds >= 0.2
    assert report.usage.wall_seconds >= 0.4
