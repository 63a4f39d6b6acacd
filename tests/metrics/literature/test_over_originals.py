"""Metrics of the literature in the mean over originals, and what it is sure of."""

import numpy as np
import pytest

from harness.metrics.literature.metric_value import Direction, MetricValue, missing
from harness.metrics.literature.over_originals import mean_metric


def value(number, reach=0.1, low=None, high=None):
    low = number - reach if low is None else low
    high = number + reach if high is None else high
    return MetricValue("m", number, low, high, Direction.LOWER, 0.2, null_models=8)


def test_originals_that_agree_leave_the_interval_of_one():
    found = mean_metric([value(0.61), value(0.59), value(0.60), value(0.60)])
    assert found.value == pytest.approx(0.6)
    assert (found.low, found.high) == pytest.approx((0.5, 0.7), abs=1e-6)
    assert (found.null, found.null_models) == (0.2, 8)


def test_originals_that_differ_widen_it_by_as_few_degrees_as_there_are():
    numbers = (2.0, 3.0, 4.0, 5.0)
    found = mean_metric([value(number) for number in numbers])
    student = 3.182 * np.std(numbers, ddof=1) / 2
    assert found.high - found.value == pytest.approx(student, rel=0.01)
    assert found.value - found.low == pytest.approx(student, rel=0.01)


def test_an_end_of_the_range_stays_one():
    parts = [value(0.01, low=0.0), value(0.9, high=1.0), value(0.2, 0.15)]
    found = mean_metric(parts)
    assert (found.low, found.high) == (0.0, 1.0)


def test_a_mean_of_bounds_has_no_interval_and_a_missing_value_stays_missing():
    bounds = [
        MetricValue("b", each, None, None, Direction.LOWER, None) for each in (1.0, 2.0)
    ]
    found = mean_metric(bounds)
    assert (found.value, found.low, found.high) == (1.5, None, None)
    lacking = missing("m", Direction.LOWER, "needs more")
    assert mean_metric([value(0.5), lacking]) is lacking
