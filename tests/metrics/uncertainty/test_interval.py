import numpy as np
import pytest

from harness.errors import UsageError
from harness.metrics.uncertainty.interval import (
    Interval,
    IntervalOptions,
    Unavailable,
    agreement_interval,
    mean_interval,
    relative_interval,
)


def test_the_mean_of_accuracies_gets_students_interval():
    interval = mean_interval([0.5, 0.6, 0.7])
    # Student's t with 2 degrees of freedom reaches 4.3027 standard errors.
    half = 4.3027 * 0.1 / np.sqrt(3)
    assert interval.low == pytest.approx(0.6 - half, abs=1e-5)
    assert interval.high == pytest.approx(0.6 + half, abs=1e-5)


def test_students_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = sum(0.6 in mean_interval(rng.normal(0.6, 0.1, 8)) for _ in range(1000))
    assert 930 <= held <= 970


def test_one_model_gives_a_reason_instead_of_an_interval():
    assert mean_interval([0.5]) == Unavailable("needs N ≥ 2 models; there are 1")


def test_equal_values_give_an_interval_of_no_width():
    interval = mean_interval([0.5, 0.5, 0.5])
    assert (interval.low, interval.high) == (0.5, 0.5)


@pytest.mark.parametrize("values", [[[0.5]], [np.nan, 0.5], ["a"], [None, 1]])
def test_refuses_what_is_no_list_of_numbers(values):
    with pytest.raises(UsageError, match="one finite number a model"):
        mean_interval(values)


def test_refuses_an_unknown_kind_of_examples():
    with pytest.raises(UsageError, match="use 'fixed' or 'drawn'"):
        IntervalOptions(examples="random")


def test_a_relative_interval_reaches_as_far_in_either_direction_by_factor():
    interval = relative_interval(0.1, np.log(2))
    assert (interval.low, interval.high) == pytest.approx((0.05, 0.2))


def test_a_relative_interval_of_wild_noise_stays_finite():
    assert np.isfinite(relative_interval(1e-6, 1e9).high)


def test_agreement_leaves_open_what_could_hide_from_so_few_examples():
    # 3.69 / S: the rule of three at 97.5 %.
    assert agreement_interval(0.0, 1000).high == pytest.approx(3.69e-3, rel=0.01)
    assert agreement_interval(0.0, 1000).low == 0
    assert agreement_interval(1.0, 1000).high == 1


@pytest.mark.parametrize("ends", [(1.0, 0.0), (np.nan, 1.0), (0.0, np.inf)])
def test_an_interval_has_finite_ends_in_order(ends):
    with pytest.raises(ValueError, match="no interval"):
        Interval(*ends)
