import numpy as np
import pytest

from harness.errors import UsageError
from harness.metrics.uncertainty.efficiency import (
    Timings,
    efficiency_interval,
    efficiency_over_machines,
    efficiency_ratio,
)
from harness.metrics.uncertainty.interval import Unavailable


def noisy(rng, median, size):
    """Costs as a shared machine gives: a few percent of noise, one in 20 slow."""
    slow = np.where(rng.random(size) < 0.05, 1.5, 1.0)
    return median * np.exp(rng.normal(0, 0.05, size)) * slow


@pytest.mark.parametrize("n_retrainings", [3, 5, 16])
def test_holds_the_ratio_of_medians_at_least_as_often_as_it_says(n_retrainings):
    rng = np.random.default_rng(0)
    held = sum(
        0.2 in efficiency_interval(noisy(rng, 1.0, 64), noisy(rng, 5.0, n_retrainings))
        for _ in range(500)
    )
    assert held >= 465


def test_its_width_is_that_of_the_noise():
    rng = np.random.default_rng(0)
    interval = efficiency_interval(
        np.exp(rng.normal(0, 0.05, 64)), 5 * np.exp(rng.normal(0, 0.05, 64))
    )
    # Two medians of 64 logarithms: 1.98 standard errors of 0.05 sqrt(pi / 2 / 32).
    expected = 2 * 1.98 * 0.05 * np.sqrt(np.pi / 2 / 32)
    assert np.log(interval.high / interval.low) == pytest.approx(expected, rel=0.2)


def test_the_unit_of_time_does_not_matter():
    costs, retraining = [1.0, 1.1, 1.2], [5.0, 5.2, 5.1]
    seconds = efficiency_interval(costs, retraining)
    minutes = efficiency_interval(np.divide(costs, 60), np.divide(retraining, 60))
    assert (minutes.low, minutes.high) == pytest.approx((seconds.low, seconds.high))


def test_equal_costs_give_the_ratio_itself():
    interval = efficiency_interval([1.0, 1.0], [5.0, 5.0])
    assert (interval.low, interval.high) == pytest.approx((0.2, 0.2))


@pytest.mark.parametrize(("costs", "retraining"), [([1.0], [5, 5]), ([1, 1], [5])])
def test_a_single_timing_says_nothing_of_its_noise(costs, retraining):
    found = efficiency_interval(costs, retraining)
    assert found == Unavailable("needs two or more timed runs on either side")


@pytest.mark.parametrize("costs", [[0.0, 1.0], [-1.0, 1.0], [np.nan, 1.0], [], ["a"]])
def test_refuses_what_is_no_cost(costs):
    with pytest.raises(UsageError, match="The costs"):
        efficiency_interval(costs, [5.0, 5.0])


def test_a_run_is_held_against_the_retrainings_of_its_own_machine():
    """A faster machine makes a submission neither cheaper nor dearer."""
    rng = np.random.default_rng(3)
    one = Timings(noisy(rng, 1.0, 32), noisy(rng, 5.0, 6))
    fast = Timings(noisy(rng, 0.25, 32), noisy(rng, 1.25, 6))

    found = efficiency_over_machines([one, fast], 0.2)

    bases = [np.median(each.retraining) for each in (one, fast)]
    ratios = np.concatenate([one.costs / bases[0], fast.costs / bases[1]])
    assert found.ratio == pytest.approx(np.median(ratios))
    assert found.low < 0.2 < found.high
    assert found.high / found.low < 1.3
    alone = efficiency_over_machines([one], 0.2)
    assert alone == efficiency_ratio(*one, 0.2)


def test_its_interval_holds_over_machines_as_often_as_it_says():
    rng = np.random.default_rng(1)

    def held() -> bool:
        speeds = (1.0, 0.5, 3.0)
        machines = [
            Timings(noisy(rng, 1.0 * s, 16), noisy(rng, 5.0 * s, 3)) for s in speeds
        ]
        found = efficiency_over_machines(machines, 0.2)
        return found.low <= 0.2 <= found.high

    assert sum(held() for _ in range(300)) >= 279
    one_each = [Timings([1.0, 1.1], [5.0]), Timings([2.0, 2.1], [10.0])]
    assert efficiency_over_machines(one_each, 0.2).low is None
