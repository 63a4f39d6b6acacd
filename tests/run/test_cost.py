"""What a run costs, and when it is killed."""

from types import SimpleNamespace

import pytest

from harness.run import cost
from harness.run.cost import (
    Budget,
    WallClock,
    busyness,
    cost_seconds,
    idle_seconds,
    kill_seconds,
)
from harness.run.cost import limit_at as limit_of
from harness.run.messages import NO_LIMIT, Limit, Usage

USAGE = Usage(cpu_seconds=3.0, wall_seconds=5.0, peak_bytes=0)


def test_the_cost_is_cpu_time_on_a_cpu_and_the_clock_on_a_gpu():
    assert cost_seconds(USAGE, "cpu") == 3.0
    assert cost_seconds(USAGE, "cuda") == 5.0


def test_a_run_is_killed_well_past_its_budget_and_never_early():
    assert kill_seconds(0.01) == 30
    assert kill_seconds(100) == 1000
    assert all(kill_seconds(b) >= 10 * b for b in (0.1, 1, 3, 10, 1000))
    assert Budget(cap=0.2, retraining_seconds=50.0).seconds == 10


def test_what_is_limited_is_what_costs_and_a_sleeper_has_more_time_but_not_all():
    assert limit_of(30, "cuda") == Limit(wall_seconds=30)
    limit = limit_of(30, "cpu")
    assert limit.cpu_seconds == 30
    assert 60 <= limit.wall_seconds <= 300


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved on by hand."""
    now = [0.0]
    monkeypatch.setattr(cost, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


def test_wall_seconds_pass_the_slower_the_busier_the_machine_is_just_then(clock):
    busy = [1.0]
    wall = WallClock(Limit(10, 30), lambda: busy[0])
    clock(12)
    assert wall.left() == 18
    busy[0] = 4.0
    clock(40)
    assert wall.left() == 4 * (18 - 10)
    busy[0] = 1.0
    clock(8)
    assert wall.left() == 0


def test_where_the_clock_is_the_cost_it_is_the_same_on_a_busy_machine(clock):
    wall = WallClock(Limit(wall_seconds=30), lambda: 4.0)
    clock(30)
    assert wall.left() == 0


def test_without_a_limit_the_clock_never_runs_down(clock):
    wall = WallClock(NO_LIMIT)
    clock(1e9)
    assert wall.left() == float("inf")


@pytest.mark.parametrize(("load", "busy"), [(0.0, 1), (3.9, 1), (8, 2), (1e6, 10)])
def test_how_busy_the_machine_is_has_bounds(monkeypatch, load, busy):
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setattr("os.getloadavg", lambda: (load, 0.0, 0.0))
    assert busyness() == busy


def test_who_sleeps_is_idle_and_who_computes_or_waits_for_a_core_is_not():
    sleeper, worker = Usage(0.1, 28.0, 0), Usage(10.0, 12.0, 0)
    assert idle_seconds(sleeper, busy=lambda: 1.0) == pytest.approx(26.7)
    assert idle_seconds(worker, busy=lambda: 1.0) == 0
    assert idle_seconds(Usage(3.0, 28.0, 0), busy=lambda: 4.0) == 0
