"""Take more cores, or a higher priority, than the run was given."""

import pytest

SOURCE = """
import os

def unlearning(net, retain, forget, validation):
    for attempt in (
        lambda: os.sched_setaffinity(0, range(os.cpu_count())),
        lambda: os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0)),
        lambda: os.setpriority(os.PRIO_PROCESS, 0, os.nice(0) - 1),
        lambda: os.setpriority(os.PRIO_USER, os.getuid(), 0),
    ):
        try:
            attempt()
            print("allowed")
        except PermissionError:
            print("refused")
    return net
"""


@pytest.mark.claims("cores")
def test_cores_scheduling_and_priority_are_not_the_runs_to_choose(lab):
    assert lab.said(SOURCE).split() == ["refused"] * 4
