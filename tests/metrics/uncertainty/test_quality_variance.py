import numpy as np
import pytest

from harness.metrics.uncertainty.quality_variance import (
    NoiseParts,
    extrapolate,
    noise_parts,
    spread_degrees,
    spread_of,
    widened,
)

ONES = np.ones((4000, 2))


def test_noise_is_told_apart_from_true_differences_between_examples():
    rng = np.random.default_rng(0)
    truth = rng.normal(0.5, 1.0, 10)
    shared = rng.normal(0, 0.2, (4000, 2, 1))
    own = rng.normal(0, 0.3, (4000, 2, 10))
    parts = noise_parts(truth + shared + own, ONES)
    assert parts.own == pytest.approx((0.04 + 0.09) / 10, rel=0.05)
    assert parts.shared == pytest.approx(0.04 * (1 - 1 / 10), rel=0.1)
    assert parts.spread == pytest.approx((truth.var(ddof=1) + 0.09) / 10, rel=0.05)


def test_the_parts_add_up_to_the_variance_of_the_mean():
    rng = np.random.default_rng(0)
    points = rng.random((4000, 2, 7)) + rng.normal(0, 0.1, (4000, 2, 1))
    parts = noise_parts(points, ONES)
    assert parts.own + parts.shared == pytest.approx(
        points.mean(axis=2).var(), rel=0.05
    )


def test_a_factor_multiplies_the_variance_by_its_square():
    rng = np.random.default_rng(0)
    points = rng.random((50, 2, 7))
    plain, doubled = (noise_parts(points, np.full((50, 2), k)) for k in (1.0, 2.0))
    assert doubled.own == pytest.approx(4 * plain.own)
    assert doubled.shared == pytest.approx(4 * plain.shared)
    assert doubled.spread == pytest.approx(4 * plain.spread)


def test_one_example_has_noise_but_no_spread():
    points = np.random.default_rng(0).normal(0, 1, (4000, 2, 1))
    parts = noise_parts(points, ONES)
    assert parts.own == pytest.approx(1, rel=0.05)
    assert parts.shared == pytest.approx(0, abs=1e-12)
    assert parts.spread == 0


def test_noise_that_stood_still_once_stands_still_again():
    steady = NoiseParts(own=0.02, shared=0.0, spread=0.03)
    assert extrapolate(steady, steady, 0.03).own == pytest.approx(0.02)


def test_noise_that_fell_once_falls_again():
    half, quarter = NoiseParts(0.02, 0.01, 0.03), NoiseParts(0.03, 0.02, 0.036)
    full = extrapolate(half, quarter, 0.025)
    assert full.own < half.own
    assert full.shared < half.shared


def test_a_shared_part_that_came_out_negative_counts_as_none():
    half = NoiseParts(0.02, -0.001, 0.03)
    assert extrapolate(half, half, 0.03).shared == 0


def test_without_any_noise_none_is_made_up():
    none = NoiseParts(0.0, 0.0, 0.0)
    assert extrapolate(none, none, 0.0) == none


def test_the_spread_of_a_bell_has_about_as_many_degrees_as_examples():
    points = np.random.default_rng(0).normal(size=20_000)
    assert spread_degrees(points) == pytest.approx(20_000, rel=0.1)
    assert spread_degrees(np.zeros(9)) == 8
    assert spread_degrees(np.array([0.0, 1.0])) == 1


def test_a_skewed_spread_has_as_few_degrees_as_it_scatters():
    """A chi-square with d degrees of freedom has the relative variance 2 / d."""
    draws = np.random.default_rng(0).exponential(size=(4000, 50))
    spreads = np.array([spread_of(row) for row in draws])
    scatter = spreads.var() / spreads.mean() ** 2
    large = np.random.default_rng(1).exponential(size=100_000)
    assert spread_degrees(large) / 100_000 * 50 == pytest.approx(2 / scatter, rel=0.15)


def test_few_models_count_as_noisier_than_their_parts_show():
    noise = NoiseParts(0.01, 0.02, 0.05)
    assert widened(noise, 32, outliers=False) is noise
    few = widened(noise, 16, outliers=False)
    assert (few.own, few.shared) == (0.02, 0.04)
    assert few.between == pytest.approx(noise.between)


def test_outlier_runs_move_all_examples_more_than_halves_of_many_models_show():
    noise = NoiseParts(0.01, 0.02, 0.05)
    assert widened(noise, 64, outliers=True) == NoiseParts(0.01, 0.05, 0.05)
    assert widened(noise, 16, outliers=True) == widened(noise, 16, outliers=False)
