import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.metrics.official.quality import forgetting_quality, points
from tests.metrics.literal import literal_forgetting_quality


def test_points_halve_with_each_bucket_of_half_a_unit():
    epsilon = [0.0, 0.499, 0.5, 0.999, 1.0, 3.25]
    expected = [1, 1, 0.5, 0.5, 0.25, 2.0**-6]
    np.testing.assert_array_equal(points(epsilon, 512), expected)


@pytest.mark.parametrize(
    ("n_models", "last_bucket_end"), [(512, 7), (64, 5), (32, 4), (16, 3), (3, 1)]
)
def test_the_last_bucket_with_points_ends_at_the_ceiling_of_log_n_minus_one(
    n_models, last_bucket_end
):
    inside, outside = points([last_bucket_end - 1e-9, last_bucket_end], n_models)
    assert inside == 2.0 ** (1 - 2 * last_bucket_end)
    assert outside == 0


def test_with_two_models_no_bucket_carries_points():
    assert forgetting_quality([0.0, 0.1], 2) == 0


def test_a_perfect_attack_scores_nothing():
    assert forgetting_quality([50.0], 512) == 0


@given(
    st.lists(st.floats(0, 50) | st.integers(0, 100).map(lambda k: k / 2), min_size=1),
    st.integers(2, 5000),
)
def test_quality_is_that_of_the_literal_transcription(epsilon, n_models):
    expected = literal_forgetting_quality(epsilon, n_models)
    assert forgetting_quality(epsilon, n_models) == pytest.approx(expected, abs=1e-12)


def test_the_epsilons_are_left_alone():
    epsilon = np.array([0.7, 2.0])
    points(epsilon, 64)
    np.testing.assert_array_equal(epsilon, [0.7, 2.0])


@pytest.mark.parametrize(
    ("epsilon", "n_models", "message"),
    [
        ([], 64, "one value for each"),
        ([[1.0]], 64, "one value for each"),
        ([np.nan], 64, "negative or NaN"),
        ([-0.1], 64, "negative or NaN"),
        ([1.0], 1, "n_models is 1"),
        ([1.0], 0, "n_models is 0"),
    ],
)
def test_refuses_what_has_no_quality(epsilon, n_models, message):
    with pytest.raises(UsageError, match=message):
        forgetting_quality(epsilon, n_models)
