"""The interval of a median holds it, whatever the distribution."""

import numpy as np
import pytest

from harness.metrics.uncertainty.interval import Interval, Unavailable
from harness.metrics.uncertainty.median import median_interval


@pytest.mark.parametrize("n_values", [6, 25, 100])
def test_it_holds_the_median_at_least_19_times_in_20(n_values):
    samples = np.random.default_rng(0).exponential(size=(2000, n_values))

    held = np.mean([np.log(2) in median_interval(each) for each in samples])

    assert 0.94 < held < 0.98


def test_its_ends_are_values_that_were_seen():
    """Of 25, those in the eighth place from either end."""
    values = np.random.default_rng(1).permutation(25).astype(float)

    assert median_interval(values) == Interval(7.0, 17.0)


def test_five_are_too_few():
    assert isinstance(median_interval(np.arange(5.0)), Unavailable)
