import numpy as np
import pytest

from harness.errors import UsageError
from harness.metrics.official.utility import Utility, score
from tests.metrics.tables import of_accuracies, outputs


def models(retain, test):
    return of_accuracies(retain, retain, test)


def test_the_ratios_are_of_mean_accuracies_and_not_clipped():
    found = Utility(models([0.8, 1.0], [0.3, 0.5]), models([0.5, 0.7], [0.8, 0.8]))
    assert found.ratios == pytest.approx((1.5, 0.5))


def test_the_groups_may_be_of_different_sizes():
    found = Utility(models([0.6], [0.6]), models([0.8] * 7, [0.6] * 7))
    assert found.ratios == pytest.approx((0.75, 1.0))


def test_the_score_is_quality_times_both_ratios():
    sides = models([0.9], [0.4]), models([0.6], [0.8])
    assert score(0.1, *sides) == pytest.approx(0.1 * 1.5 * 0.5)


def test_equal_accuracies_leave_the_quality_as_it_is():
    same = models([0.7], [0.5])
    assert score(0.19, same, same) == pytest.approx(0.19)


def test_retrained_models_that_are_never_right_are_refused():
    with pytest.raises(UsageError, match="accuracy 0"):
        score(0.1, models([0.5], [0.5]), models([0.0, 0.0], [0.5, 0.5]))


def test_without_accuracies_there_is_no_utility():
    bare, known = outputs(np.zeros((1, 1))), models([0.5], [0.5])
    assert Utility.between(bare, known) is Utility.between(known, bare) is None
    with pytest.raises(UsageError, match="no retain accuracies"):
        score(0.1, bare, known)


@pytest.mark.parametrize("quality", [-0.1, 1.1, np.nan])
def test_refuses_a_quality_outside_zero_to_one(quality):
    same = models([0.5], [0.5])
    with pytest.raises(UsageError, match="forgetting quality is"):
        score(quality, same, same)


def test_the_clipped_factor_takes_no_ratio_above_one():
    utility = Utility(models([0.9], [0.4]), models([0.6], [0.8]))
    assert utility.factor == pytest.approx(0.75)
    assert utility.clipped == pytest.approx(0.5)


def test_the_factor_of_subsets_is_that_of_their_models_alone():
    rng = np.random.default_rng(0)
    sides = [models(*rng.uniform(0.3, 0.9, (2, 8))) for _ in range(2)]
    ours, theirs = rng.integers(0, 8, (2, 5, 2, 4))
    found = Utility(*sides).of_subsets(ours, theirs)
    alone = Utility(sides[0].take(ours[3, 1]), sides[1].take(theirs[3, 1]))
    assert found.shape == (5, 2)
    assert found[3, 1] == pytest.approx(alone.factor)
