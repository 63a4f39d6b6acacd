"""Gaussian differential privacy: the closed form, the null, and valid bounds."""

import numpy as np
import pytest

from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.literature.gaussian_dp import certified_mu, gdp_metrics, gdp_mu
from tests.metrics.tables import compared


def shifted(mu, models, examples, seed=0):
    rng = np.random.default_rng(seed)
    shape = (models, examples)
    return ConfidencePair(rng.normal(mu, 1, shape), rng.normal(size=shape))


@pytest.mark.parametrize("mu", [0.0, 0.5, 2.0])
def test_two_unit_normals_get_the_distance_between_them(mu):
    estimate = gdp_mu(shifted(mu, 512, 150), np.random.default_rng(0)).mean()
    assert estimate == pytest.approx(mu, abs=0.03)


def test_perfect_separation_gets_a_finite_mu():
    estimate = gdp_mu(shifted(100.0, 16, 2), np.random.default_rng(0))
    assert np.isfinite(estimate).all()
    assert (estimate > 3).all()


@pytest.mark.parametrize(("mu", "models"), [(0.0, 64), (1.0, 64), (1.0, 512)])
def test_the_certified_mu_is_valid_in_95_percent(mu, models):
    certified = certified_mu(*shifted(mu, models, 1000, seed=1), seed=0)
    failures = (certified > mu + 1e-9).mean()
    assert failures <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)


def test_the_certified_mu_comes_near_the_true_one_with_many_models():
    certified = certified_mu(*shifted(1.0, 4096, 10), seed=0)
    assert 0.8 < certified.mean() <= 1.0


def test_mu_metric_covers_the_truth_of_a_shift():
    (metric,) = gdp_metrics(compared(shifted(1.0, 128, 100)))
    assert metric.low < 1.0 < metric.high
    assert abs(metric.null) < 0.1
