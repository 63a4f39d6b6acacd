"""The direction in which runs differ most is found without finding all others."""

import numpy as np
import pytest

from harness.metrics.flags import principal
from harness.metrics.flags.principal import principal_axis


@pytest.mark.parametrize("shape", [(5, 9), (80, 300), (300, 80)])
def test_it_is_the_first_of_all_directions(shape):
    cloud = np.random.default_rng(0).standard_normal(shape)
    squares, vectors = np.linalg.eigh(cloud @ cloud.T)

    found = principal_axis(cloud)

    assert found.square == pytest.approx(squares[-1], rel=1e-12)
    assert abs(found.places @ vectors[:, -1]) == pytest.approx(1, abs=1e-9)


def test_runs_that_do_not_differ_have_none_and_those_all_alike_any():
    assert principal_axis(np.zeros((100, 100))).square == 0.0
    assert principal_axis(np.eye(100)).square == pytest.approx(1.0)


def test_an_axis_that_few_runs_lie_along_is_not_missed():
    cloud = np.zeros((200, 200))
    cloud[:150, :150] = np.random.default_rng(1).standard_normal((150, 150))
    cloud[190, 190] = 40.0

    assert principal_axis(cloud).square == pytest.approx(1600.0)


def test_many_runs_are_never_multiplied_with_each_other(monkeypatch):
    monkeypatch.setattr(principal.np.linalg, "eigh", None)
    cloud = np.random.default_rng(2).standard_normal((4096, 70))

    assert principal_axis(cloud).places.shape == (4096,)
