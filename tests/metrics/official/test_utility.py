import numpy as np
import pytest

from harness.errors import UsageError
from harness.metrics.official.utility import Utility, score, utility_ratio


def test_the_ratio_is_of_mean_accuracies_and_not_clipped():
    assert utility_ratio([0.8, 1.0], [0.5, 0.7]) == pytest.approx(1.5)


def test_a_ratio_takes_scalars_and_groups_of_different_sizes():
    assert utility_ratio(0.6, np.full(7, 0.8)) == pytest.approx(0.75)


def test_the_score_is_quality_times_both_ratios():
    assert score(0.1, [0.9], [0.6], [0.4], [0.8]) == pytest.approx(0.1 * 1.5 * 0.5)


def test_equal_accuracies_leave_the_quality_as_it_is():
    assert score(0.19, 0.7, 0.7, 0.5, 0.5) == pytest.approx(0.19)


@pytest.mark.parametrize(
    ("unlearned", "retrained", "message"),
    [
        ([1.2], [0.5], "between 0 and 1"),
        ([np.nan], [0.5], "between 0 and 1"),
        ([0.5], [0.0, 0.0], "accuracy 0"),
        ([], [0.5], "one number a model"),
        ([[0.5]], [0.5], "one number a model"),
        (np.array([None]), [0.5], "one number a model"),
    ],
)
def test_refuses_what_is_no_accuracy(unlearned, retrained, message):
    with pytest.raises(UsageError, match=message):
        utility_ratio(unlearned, retrained)


@pytest.mark.parametrize("quality", [-0.1, 1.1, np.nan])
def test_refuses_a_quality_outside_zero_to_one(quality):
    with pytest.raises(UsageError, match="forgetting quality is"):
        score(quality, 0.5, 0.5, 0.5, 0.5)


def test_the_clipped_factor_takes_no_ratio_above_one():
    utility = Utility(*(np.array([share]) for share in (0.9, 0.6, 0.4, 0.8)))
    assert utility.ratios == pytest.approx((1.5, 0.5))
    assert utility.factor == pytest.approx(0.75)
    assert utility.clipped == pytest.approx(0.5)


def test_the_factor_of_subsets_is_that_of_their_models_alone():
    rng = np.random.default_rng(0)
    shares = rng.uniform(0.3, 0.9, (4, 8))
    ours, theirs = rng.integers(0, 8, (2, 5, 2, 4))
    found = Utility(*shares).of_subsets(ours, theirs)
    alone = Utility(
        shares[0][ours[3, 1]],
        shares[1][theirs[3, 1]],
        shares[2][ours[3, 1]],
        shares[3][theirs[3, 1]],
    )
    assert found.shape == (5, 2)
    assert found[3, 1] == pytest.approx(alone.factor)
