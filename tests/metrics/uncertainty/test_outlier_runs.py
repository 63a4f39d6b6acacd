"""Runs that are far off as a whole."""

import numpy as np
import pytest

from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.uncertainty.outlier_runs import has_outlier_runs
from harness.metrics.uncertainty.scoring_noise import Scoring


@pytest.fixture
def pair():
    """64 models a side, of which the first `bad` unlearned ones are far off."""

    def make(bad: int, n_models: int = 64) -> ConfidencePair:
        rng = np.random.default_rng(0)
        unlearned, retrained = rng.normal(size=(2, n_models, 30))
        unlearned[:bad] -= 3
        return ConfidencePair(unlearned + 0.5, retrained)

    return make


@pytest.mark.parametrize(("bad", "found"), [(0, False), (1, False), (2, True)])
def test_two_runs_far_off_are_seen(pair, bad, found):
    assert has_outlier_runs(pair(bad)) is found


def test_of_few_models_none_is_told_from_chance(pair):
    assert not has_outlier_runs(pair(4, n_models=15))


def test_a_scoring_with_bad_seeds_is_noisier_than_its_halves_show(pair):
    scoring = Scoring.of(pair(5), np.random.default_rng(0), delta=1e-5)
    hidden = Scoring(**{**vars(scoring), "outliers": False})

    seen, unseen = scoring.noise(), hidden.noise()

    assert seen.shared == 2.5 * unseen.shared > 0
    assert seen.own == unseen.own
