from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.errors import UsageError
from harness.metrics.official.epsilon import _epsilon as epsilon_module
from harness.metrics.official.epsilon import epsilon
from harness.metrics.official.metric import official_metric
from tests.metrics.literal import literal_epsilon
from tests.metrics.tables import outputs

GOLDEN = np.load(Path(__file__).parents[1] / "golden.npz")
CASES = sorted({key.split("/")[0] for key in GOLDEN} - {"confidence"})


def assert_literal(unlearned, retrained, **options):
    """Epsilon, and both reasons, must be those of the literal transcription."""
    result = epsilon(unlearned, retrained, **options)
    for example in range(unlearned.shape[1]):
        expected = literal_epsilon(
            unlearned[:, example], retrained[:, example], **options
        )
        ours = [column[example] for column in result]
        assert ours == pytest.approx(list(expected), abs=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_the_released_code(case):
    unlearned, retrained = GOLDEN[f"{case}/unlearned"], GOLDEN[f"{case}/retrained"]
    copies = unlearned.copy(), retrained.copy()
    ours = official_metric(outputs(unlearned), outputs(retrained))
    np.testing.assert_allclose(
        ours.epsilon, GOLDEN[f"{case}/epsilon"], rtol=0, atol=5e-6
    )
    assert abs(ours.forgetting_quality - GOLDEN[f"{case}/forget_score"]) < 1e-9
    np.testing.assert_array_equal(unlearned, copies[0])
    np.testing.assert_array_equal(retrained, copies[1])


def samples(elements, low=2, high=12):
    sizes = st.integers(low, high)
    column = sizes.flatmap(lambda n: hnp.arrays(np.float64, (n, 1), elements=elements))
    return st.tuples(column, column)


LATTICE = st.integers(-60, 60).map(lambda k: k * 0.01)
HALVES = st.integers(-12, 12).map(lambda k: k * 0.5)
SCALED = st.tuples(st.floats(-3, 3), st.sampled_from([1e-6, 1e-3, 0.1, 1, 3])).map(
    lambda pair: pair[0] * pair[1]
)


@settings(max_examples=25, deadline=None)
@given(samples(st.one_of(LATTICE, HALVES)))
def test_is_that_of_every_attack_tried_when_samples_tie_with_the_grids(pair):
    assert_literal(*pair)


@settings(max_examples=25, deadline=None)
@given(samples(SCALED))
def test_is_that_of_every_attack_tried_at_any_scale(pair):
    assert_literal(*pair)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("n", "m"), [(2, 2), (2, 9), (16, 16), (40, 25), (25, 40)])
def test_is_that_of_every_attack_tried_on_random_samples(seed, n, m):
    rng = np.random.default_rng([seed, n, m])
    scale = rng.choice([0.05, 1.0, 4.0])
    columns = [
        (rng.normal(0.3, 1, n), rng.normal(0, 1, m)),
        (rng.standard_t(1.5, n).clip(-30, 30), rng.normal(0, 2, m)),
        (rng.normal(5 * (rng.random(n) < 0.5)), rng.normal(5 * (rng.random(m) < 0.6))),
        (rng.normal(3, 0.2, n), rng.normal(0, 1, m)),
    ]
    unlearned, retrained = (
        scale * np.stack(group, axis=1) for group in zip(*columns, strict=True)
    )
    assert_literal(unlearned, retrained)
    assert_literal(unlearned, retrained, delta=0.05)


def test_is_that_of_every_attack_tried_far_from_zero():
    # Float32 thresholds are coarser than the grid there.
    rng = np.random.default_rng(0)
    assert_literal(rng.normal(2e5, 1, (20, 3)), rng.normal(2e5, 2, (20, 3)))


def test_identical_groups_cannot_be_told_apart():
    values = np.random.default_rng(0).normal(size=(32, 5))
    result = epsilon(values, values[::-1])
    np.testing.assert_array_equal(result.epsilon, 0.0)
    assert not result.undetermined.any()


def test_perfect_separation_is_fifty_either_way_round():
    rng = np.random.default_rng(0)
    low, high = rng.normal(0, 1, (32, 3)), rng.normal(30, 1, (32, 3))
    for pair in ((low, high), (high, low)):
        result = epsilon(*pair)
        np.testing.assert_array_equal(result.epsilon, 50.0)
        assert not (result.undetermined | result.peaky).any()


def test_a_group_inside_the_gap_of_the_other_is_told_by_an_interval():
    rng = np.random.default_rng(0)
    middle = rng.normal(0, 0.1, (32, 1))
    around = rng.normal(0, 0.1, (32, 1)) + np.where(np.arange(32) < 16, -9, 9)[:, None]
    assert epsilon(middle, around).epsilon == 50.0


def test_a_group_with_one_percent_of_the_range_is_peaky():
    wide = np.linspace(0, 1, 10)[:, None]
    assert epsilon(wide * 0.0099, wide).peaky.all()
    assert epsilon(wide, wide * 0.0099).peaky.all()
    assert not epsilon(wide * 0.0101, wide).peaky.any()
    assert epsilon(wide * 0.0099, wide).epsilon == 50.0


def test_an_example_without_a_kept_attack_is_undetermined_not_peaky():
    constant = np.full((8, 1), 0.25)
    result = epsilon(constant, constant)
    assert result.undetermined.all()
    assert not result.peaky.any()
    assert result.epsilon == 50.0


def test_swapping_the_groups_changes_nothing_unless_ranges_tie():
    rng = np.random.default_rng(0)
    unlearned, retrained = rng.normal(0.5, 1, (24, 20)), rng.normal(0, 2, (24, 20))
    np.testing.assert_allclose(
        epsilon(unlearned, retrained).epsilon, epsilon(retrained, unlearned).epsilon
    )


def test_the_order_of_models_and_examples_does_not_matter():
    rng = np.random.default_rng(0)
    unlearned, retrained = rng.normal(0.5, 1, (24, 20)), rng.normal(0, 2, (24, 20))
    plain = epsilon(unlearned, retrained).epsilon
    shuffled = epsilon(rng.permutation(unlearned), rng.permutation(retrained)).epsilon
    np.testing.assert_array_equal(shuffled, plain)
    order = rng.permutation(20)
    moved = epsilon(unlearned[:, order], retrained[:, order]).epsilon
    np.testing.assert_array_equal(moved, plain[order])


def test_one_example_scores_as_it_does_among_others():
    unlearned, retrained = GOLDEN["real_64/unlearned"], GOLDEN["real_64/retrained"]
    together = epsilon(unlearned, retrained).epsilon
    alone = [
        epsilon(unlearned[:, [s]], retrained[:, [s]]).epsilon[0]
        for s in range(unlearned.shape[1])
    ]
    np.testing.assert_array_equal(alone, together)


@pytest.mark.parametrize("samples_at_once", [1, 300, 1 << 20])
def test_the_size_of_a_batch_does_not_matter(monkeypatch, samples_at_once):
    unlearned, retrained = GOLDEN["gauss_64/unlearned"], GOLDEN["gauss_64/retrained"]
    plain = epsilon(unlearned, retrained)
    monkeypatch.setattr(epsilon_module, "_SAMPLES_AT_ONCE", samples_at_once)
    for ours, expected in zip(epsilon(unlearned, retrained), plain, strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_integers_and_float32_are_read_as_the_numbers_they_are():
    rng = np.random.default_rng(0)
    unlearned, retrained = rng.integers(-5, 5, (2, 20, 3))
    expected = epsilon(unlearned.astype(float), retrained.astype(float)).epsilon
    for dtype in (np.float32, np.int8, np.int64):
        ours = epsilon(unlearned.astype(dtype), retrained.astype(dtype)).epsilon
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1e3, 1e6, 1e9])
def test_any_scale_gives_a_number_in_range(scale):
    rng = np.random.default_rng(0)
    unlearned, retrained = rng.uniform(-scale, scale, (2, 30, 2))
    result = epsilon(unlearned, retrained)
    assert ((result.epsilon >= 0) & (result.epsilon <= 50)).all()


@pytest.mark.parametrize("delta", [-0.1, 1.0, np.nan])
def test_refuses_a_delta_outside_zero_to_one(delta):
    with pytest.raises(UsageError, match="delta is"):
        epsilon(np.zeros((3, 2)), np.ones((3, 2)), delta=delta)


def test_refuses_one_model_and_other_examples():
    with pytest.raises(UsageError, match="at least 2 models"):
        epsilon(np.zeros((1, 2)), np.zeros((3, 2)))
    with pytest.raises(UsageError, match="same forget set"):
        epsilon(np.zeros((3, 2)), np.zeros((3, 4)))
