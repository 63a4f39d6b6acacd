"""What a run costs, and when it is killed."""

from harness.run.cost import cost_seconds, kill_seconds
from harness.run.messages import Usage

USAGE = Usage(cpu_seconds=3.0, wall_seconds=5.0, peak_bytes=0)


def test_the_cost_is_cpu_time_on_a_cpu_and_the_clock_on_a_gpu():
    assert cost_seconds(USAGE, "cpu") == 3.0
    assert cost_seconds(USAGE, "cuda") == 5.0


def test_a_run_is_killed_well_past_its_budget_and_never_early():
    assert kill_seconds(0.01) == 30
    assert kill_seconds(100) == 1000
    assert all(kill_seconds(b) >= 10 * b for b in (0.1, 1, 3, 10, 1000))
