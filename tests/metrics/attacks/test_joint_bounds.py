"""Bounding two error rates at once: exact by enumeration, and worth the trouble."""

import itertools

import numpy as np
import pytest
from scipy.stats import binom

from harness.metrics.attacks.certified import epsilon_from_errors
from harness.metrics.attacks.families import ErrorCounts
from harness.metrics.attacks.joint_bounds import prove, proven_in, regions, upper_bounds


def errors(false_positives, false_negatives, models):
    counts = np.array([[false_positives], [false_negatives]])
    return ErrorCounts(*counts, models, models)


@pytest.mark.parametrize("region", regions(0.05))
def test_true_rates_fall_below_a_staircase_in_at_most_five_percent(region):
    """By exact sums over both binomials, for rates of all kinds."""
    for n, m in ((5, 9), (40, 40)):
        for f, g in itertools.product([0.001, 0.1, 0.5, 0.97], repeat=2):
            x, y = np.arange(m + 1), np.arange(n + 1)
            u, v = binom.cdf(x, m, f), binom.cdf(y, n, g)
            corners = zip(region.false_positive, region.false_negative, strict=True)
            above = np.zeros((m + 1, n + 1), dtype=bool)
            for low, high in corners:
                above |= (u[:, None] > low) & (v[None, :] > high)
            seen = binom.pmf(x, m, f)[:, None] * binom.pmf(y, n, g)[None, :]
            assert seen[~above].sum() <= 0.05 + 1e-9


@pytest.mark.parametrize("alpha", [0.001, 0.05, 0.5])
def test_the_area_below_each_staircase_is_the_level(alpha):
    for region in regions(alpha):
        outer = np.append(region.false_positive, 1.0)
        height = np.append(1.0, region.false_negative)
        area = (np.diff(outer, prepend=0.0) * height).sum()
        assert area == pytest.approx(alpha, rel=1e-6)


def test_bounding_both_rates_at_once_proves_more_than_one_by_one():
    """A quarter wrong on either side: worst-case luck on both is not to be feared."""
    quarter = errors(8, 8, 32)
    single = upper_bounds(32, 0.025)[8]
    apart = epsilon_from_errors(np.array(single), np.array(single))
    assert prove(quarter, quarter, epsilon_from_errors, 0.05)[0] > apart + 0.2


def test_more_errors_never_prove_more():
    for region in regions(0.05):
        table = [
            [
                proven_in(region, errors(x, y, 12), epsilon_from_errors)[0]
                for x in range(13)
            ]
            for y in range(13)
        ]
        assert (np.diff(table, axis=0) <= 1e-12).all()
        assert (np.diff(table, axis=1) <= 1e-12).all()


def test_swapping_the_two_sides_proves_the_same():
    one, other = errors(3, 9, 40), errors(9, 3, 40)
    found = [prove(each, each, epsilon_from_errors, 0.05)[0] for each in (one, other)]
    assert found[0] == pytest.approx(found[1], rel=0.05)


def test_the_expected_errors_choose_the_region_and_nothing_else():
    judged, flawless, even = errors(10, 10, 40), errors(0, 0, 20), errors(5, 5, 20)
    proven = {
        float(proven_in(region, judged, epsilon_from_errors)[0])
        for region in regions(0.05)
    }
    for expected in (flawless, even):
        found = prove(judged, expected, epsilon_from_errors, 0.05)[0]
        assert float(found) in proven


def test_nothing_is_proven_where_every_guess_is_wrong():
    hopeless = errors(40, 40, 40)
    assert prove(hopeless, hopeless, epsilon_from_errors, 0.05)[0] <= 0
