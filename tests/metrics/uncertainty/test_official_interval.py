import numpy as np
import pytest

from harness.errors import UsageError
from harness.metrics.official.metric import official_metric
from harness.metrics.uncertainty import scoring_noise
from harness.metrics.uncertainty.interval import IntervalOptions, Unavailable
from harness.metrics.uncertainty.official_interval import official_intervals
from tests.metrics.tables import outputs


def benchmark(rng, n_models=32, n_examples=30):
    """Examples that differ, runs that move them together, a shift of 0.7."""
    parameters = np.random.default_rng(7)
    centre = parameters.normal(0, 2, n_examples)
    shift = parameters.normal(0.7, 0.5, n_examples)
    runs = rng.normal(0, 0.3, (2, n_models, 1))
    unlearned, retrained = rng.normal(0, 1, (2, n_models, n_examples)) + centre + runs
    return unlearned + shift, retrained


def quality_interval(*pair, seed=0, **options):
    return official_intervals(
        *map(outputs, pair), seed=seed, options=IntervalOptions(**options)
    ).forgetting_quality


def quality_of(*pair):
    return official_metric(*map(outputs, pair)).forgetting_quality


def with_accuracies(pair, shares):
    """Outputs with retain and test accuracies of either group, given in turn."""
    ours, theirs, *rest = shares
    return outputs(pair[0], ours, rest[0]), outputs(pair[1], theirs, rest[1])


def accuracies(n=32, m=32, scale=0.0):
    rng = np.random.default_rng(0)
    return [rng.normal(0.6, scale, size).clip(0, 1) for size in (n, m, n, m)]


def test_holds_the_mean_over_replicas_without_being_far_too_wide():
    rng = np.random.default_rng(0)
    replicas = [quality_of(*benchmark(rng)) for _ in range(100)]
    truth, deviation = np.mean(replicas), np.std(replicas)
    intervals = [quality_interval(*benchmark(rng)) for _ in range(30)]
    assert sum(truth in interval for interval in intervals) >= 26
    half_width = np.mean([(i.high - i.low) / 2 for i in intervals])
    assert 0.7 < half_width / (1.96 * deviation) < 1.4


def test_the_same_seed_gives_the_same_interval_and_inputs_stay():
    pair = benchmark(np.random.default_rng(0))
    copies = [side.copy() for side in pair]
    models = with_accuracies(pair, accuracies())
    first = official_intervals(*models, seed=3)
    assert official_intervals(*models, seed=3) == first
    np.testing.assert_array_equal(pair, copies)


def test_the_interval_holds_the_value():
    pair = benchmark(np.random.default_rng(0))
    assert quality_of(*pair) in quality_interval(*pair)


def test_drawn_examples_add_what_the_choice_of_examples_adds():
    pair = benchmark(np.random.default_rng(0))
    fixed = quality_interval(*pair)
    sampled = quality_interval(*pair, examples="drawn")
    assert sampled.low < fixed.low < fixed.high < sampled.high


def test_steady_accuracies_only_scale_the_score():
    pair = benchmark(np.random.default_rng(0))
    steady = [np.full(32, share) for share in (0.9, 0.6, 0.4, 0.8)]
    found = official_intervals(*with_accuracies(pair, steady), seed=0)
    factor = 1.5 * 0.5
    assert found.score.low == pytest.approx(factor * found.forgetting_quality.low)
    assert found.score.high == pytest.approx(factor * found.forgetting_quality.high)


def test_accuracies_that_scatter_widen_the_score():
    pair = benchmark(np.random.default_rng(0))
    steady, noisy = (
        official_intervals(
            *with_accuracies(pair, accuracies(scale=scale)), seed=0
        ).score
        for scale in (0.0, 0.4)
    )
    assert noisy.high / noisy.low > 1.05 * steady.high / steady.low


def test_different_numbers_of_models_are_fine():
    unlearned, retrained = benchmark(np.random.default_rng(0))
    models = with_accuracies((unlearned[:20], retrained), accuracies(20, 32))
    found = official_intervals(*models, seed=0)
    assert quality_of(unlearned[:20], retrained) in (found.forgetting_quality)


def test_some_of_many_examples_are_enough_to_see_the_noise(monkeypatch):
    pair = benchmark(np.random.default_rng(0), n_models=16, n_examples=400)
    of_all = quality_interval(*pair)
    monkeypatch.setattr(scoring_noise, "MOST_EXAMPLES", 200)
    of_half = quality_interval(*pair)
    width, expected = (np.log(i.high / i.low) for i in (of_half, of_all))
    assert width == pytest.approx(expected, rel=0.25)
    assert width != expected


def test_one_example_has_an_interval_too():
    unlearned, retrained = np.random.default_rng(0).normal(size=(2, 32, 1))
    interval = quality_interval(unlearned, retrained)
    assert interval.low < interval.high


def test_nothing_forgotten_leaves_only_what_could_have_been_missed():
    rng = np.random.default_rng(0)
    interval = quality_interval(rng.normal(50, 1, (16, 20)), rng.normal(0, 1, (16, 20)))
    assert interval.low == 0
    assert 0 < interval.high < 0.2


def test_identical_models_are_certain_to_have_forgotten_nothing():
    """Whatever models or examples are drawn, one peak is told apart at sight."""
    retrained = np.random.default_rng(0).normal(0, 1, (16, 20))
    copies = np.broadcast_to(np.linspace(-1, 1, 20), (16, 20))
    for examples in ("fixed", "drawn"):
        interval = quality_interval(copies, retrained, examples=examples)
        assert (interval.low, interval.high) == (0, 0)
    # Not so where the retrained models are identical, too: nothing is told apart.
    both = quality_interval(copies, copies)
    assert both.high > 0


def test_one_example_says_nothing_of_others():
    pair = np.random.default_rng(0).normal(size=(2, 16, 1))
    assert "needs 2 examples" in quality_interval(*pair, examples="drawn").reason


def test_no_number_exceeds_one():
    rng = np.random.default_rng(0)
    coins = rng.integers(0, 2, (2, 64, 5)) * 1.0
    assert quality_interval(*coins).high <= 1


def test_few_models_give_a_reason_instead():
    rng = np.random.default_rng(0)
    pair = rng.normal(size=(2, 7, 5))
    found = official_intervals(*with_accuracies(pair, accuracies(7, 7)), seed=0)
    expected = Unavailable("needs N ≥ 8 models on either side; there are 7")
    assert (found.forgetting_quality, found.score) == (expected, expected)
    assert official_intervals(*map(outputs, pair), seed=0).score is None


def test_eight_models_are_enough():
    pair = np.random.default_rng(0).normal(size=(2, 8, 5))
    assert not isinstance(quality_interval(*pair), Unavailable)


def test_accuracies_of_one_group_alone_give_no_score():
    pair = benchmark(np.random.default_rng(0))
    known = with_accuracies(pair, accuracies())[0]
    assert official_intervals(known, outputs(pair[1]), seed=0).score is None


def test_refuses_other_examples():
    with pytest.raises(UsageError, match="same forget set"):
        quality_interval(np.zeros((8, 3)), np.zeros((8, 4)))
