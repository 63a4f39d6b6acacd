"""Stop every clock that Python can see, then wait: the run seems to take no time."""

SOURCE = """
import select, time

def unlearning(net, retain, forget, validation):
    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
        setattr(time, name, lambda: 0.0)
        setattr(time, name + "_ns", lambda: 0)
    time.sleep = lambda seconds: None
    select.select([], [], [], 0.4)
    print(time.perf_counter())
    return net
"""


def test_a_run_that_stops_its_clocks_is_timed_all_the_same(lab):
    report = lab.call(SOURCE)
    assert report.output == "0.0\n"
    assert report.usage.wall_seconds >= 0.4
