"""Certified epsilon: valid always, tight where it can be, not fooled by its search."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import beta, binom, norm

from harness.errors import UsageError
from harness.metrics.attacks.attack_search import (
    best_interval,
    best_likelihood_ratio,
    best_threshold,
)
from harness.metrics.attacks.bounded_errors import chosen_attacks, strongest
from harness.metrics.attacks.certified import (
    GIVEN_UP,
    LEAST_MODELS,
    certified_epsilon,
    certified_mean_epsilon,
    epsilon_from_errors,
)
from harness.metrics.attacks.families import count_errors
from harness.metrics.attacks.joint_bounds import upper_bounds
from harness.metrics.inputs.confidence import ConfidencePair


def laplace_pair(epsilon, models, examples, rng):
    """Shifted Laplace samples: the likelihood ratio is e^epsilon on a half line."""
    shape = (models, examples)
    return rng.laplace(epsilon, 1, shape), rng.laplace(0, 1, shape)


def randomized_response(epsilon, models, examples, rng):
    """A bit told truly with probability e^epsilon / (1 + e^epsilon)."""
    shape, truth = (models, examples), 1 / (1 + np.exp(-epsilon))
    unlearned = rng.random(shape) < truth
    return unlearned.astype(float), (rng.random(shape) >= truth).astype(float)


def gaussian_epsilon(mu, delta):
    """The exact ε of two unit normals `mu` apart (Balle and Wang, 2018)."""
    low, high = 0.0, 50.0
    for _ in range(100):
        middle = (low + high) / 2
        spent = norm.cdf(mu / 2 - middle / mu)
        spent -= np.exp(middle) * norm.cdf(-mu / 2 - middle / mu)
        low, high = (middle, high) if spent > delta else (low, middle)
    return high


def largest_certifiable(n, m=None):
    """What a perfect separation of n from m models certifies: no error at all."""
    return certified_epsilon(np.ones((n, 1)), np.zeros((m or n, 1)), seed=0).worst


def error_table(models_out, models_in):
    """Any table that never rewards an error will do for the search."""
    return -(np.arange(models_out + 1.0)[:, None] + 1.3 * np.arange(models_in + 1.0))


def naive_best(pair, table, *, thresholds_only):
    """Try every pair of cuts between distinct values, one example."""
    unlearned, retrained = pair.unlearned[:, 0], pair.retrained[:, 0]
    values = np.unique(np.concatenate([unlearned, retrained]))
    cuts = np.concatenate([[-np.inf], values[:-1] / 2 + values[1:] / 2, [np.inf]])
    best = -np.inf
    for i, low in enumerate(cuts):
        for high in cuts[i:]:
            if thresholds_only and np.isfinite(low) and np.isfinite(high):
                continue
            inside_u = ((unlearned > low) & (unlearned < high)).sum()
            inside_r = ((retrained > low) & (retrained < high)).sum()
            best = max(best, table[inside_r, len(unlearned) - inside_u])
            if not thresholds_only:
                best = max(best, table[len(retrained) - inside_r, inside_u])
    return best


samples = st.integers(2, 9).flatmap(
    lambda n: arrays(np.float64, (n, 1), elements=st.integers(-4, 4))
)


@settings(max_examples=60, deadline=None)
@given(samples, samples)
def test_the_search_finds_what_trying_every_interval_finds(unlearned, retrained):
    pair = ConfidencePair(unlearned, retrained)
    table = error_table(len(retrained), len(unlearned))
    assert best_interval(pair, table).promise == naive_best(
        pair, table, thresholds_only=False
    )
    assert best_threshold(pair, table).promise == naive_best(
        pair, table, thresholds_only=True
    )


@settings(max_examples=60, deadline=None)
@given(samples, samples)
def test_an_attack_keeps_its_promise_on_the_models_it_was_chosen_on(
    unlearned, retrained
):
    pair = ConfidencePair(unlearned, retrained)
    table = error_table(len(retrained), len(unlearned))
    for search in (best_interval, best_threshold, best_likelihood_ratio):
        attack = search(pair, table)
        errors = count_errors(attack, pair)
        kept = table[errors.false_positives, errors.false_negatives]
        assert kept == pytest.approx(attack.promise)


def test_the_search_does_not_depend_on_the_size_of_its_blocks():
    rng = np.random.default_rng(0)
    pair = ConfidencePair(rng.normal(0, 0.3, (9, 600)), rng.normal(size=(11, 600)))
    table = error_table(11, 9)
    whole = best_interval(pair, table)
    alone = [
        best_interval(ConfidencePair(pair[0][:, [s]], pair[1][:, [s]]), table)
        for s in (0, 255, 256, 599)
    ]
    assert whole.lower[[0, 255, 256, 599]].tolist() == [a.lower[0] for a in alone]


@pytest.mark.parametrize("trials", [1, 2, 32, 256, 2048])
def test_upper_bounds_are_clopper_pearson(trials):
    bounds = upper_bounds(trials, 0.025)
    k = np.arange(trials)
    assert bounds[:-1] == pytest.approx(beta.ppf(0.975, k + 1, trials - k))
    assert binom.cdf(k, trials, bounds[:-1]) == pytest.approx(0.025)
    assert bounds[-1] == 1.0


def test_epsilon_from_errors_is_the_competitions_formula():
    fpr, fnr, delta = 0.1, 0.3, 1e-5
    by_hand = max(
        np.log(1 - delta - fpr) - np.log(fnr), np.log(1 - delta - fnr) - np.log(fpr)
    )
    assert epsilon_from_errors(np.array(fpr), np.array(fnr), delta) == by_hand
    assert epsilon_from_errors(np.array([1.0]), np.array([1.0])) == -np.inf


@pytest.mark.parametrize(
    ("models", "ours"), [(64, 3.00), (128, 3.71), (256, 4.41), (512, 5.10)]
)
def test_perfect_separation_certifies_the_stated_ceiling(models, ours):
    rng = np.random.default_rng(0)
    noise = rng.random((2, models, 3))
    result = certified_epsilon(noise[0] + 5.0, noise[1], seed=0)
    assert result.epsilon == pytest.approx([ours] * 3, abs=0.005)
    assert result.epsilon.tolist() == [largest_certifiable(models)] * 3


@pytest.mark.parametrize("models", [16, 64, 256])
def test_the_ceiling_is_more_than_single_bounds_allow_and_less_than_could_be_true(
    models,
):
    """No error of n + n models is likelier than 5 % up to log(1/f - 1), closed form."""
    judges = models - models // 3
    single = 1 - 0.025 ** (1 / judges)
    both = 1 - 0.05 ** (1 / (2 * judges))
    largest = largest_certifiable(models)
    assert np.log(1 / single - 1) < largest < np.log(1 / both - 1)


def test_five_models_are_the_fewest_that_certify_anything():
    assert LEAST_MODELS == 5
    assert largest_certifiable(5) > 0.0
    assert largest_certifiable(4) == 0.0


@pytest.mark.parametrize("pair", [laplace_pair, randomized_response])
@pytest.mark.parametrize(("epsilon", "models"), [(0.0, 64), (0.5, 64), (2.0, 256)])
def test_the_bound_exceeds_a_known_epsilon_in_at_most_five_percent(
    pair, epsilon, models
):
    examples = 3000
    rng = np.random.default_rng(models)
    result = certified_epsilon(*pair(epsilon, models, examples, rng), seed=1)
    failures = (result.epsilon > epsilon + 1e-9).sum()
    assert failures <= binom.ppf(0.999, examples, 0.05)


@pytest.mark.parametrize("pair", [laplace_pair, randomized_response])
@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0, 4.0])
def test_with_4096_models_the_bound_is_within_twenty_percent_of_a_known_epsilon(
    pair, epsilon
):
    rng = np.random.default_rng(5)
    result = certified_epsilon(*pair(epsilon, 4096, 12, rng), seed=1)
    assert 0.8 * epsilon <= result.mean <= epsilon


@pytest.mark.parametrize("mu", [0.5, 1.0, 3.0])
def test_the_bound_is_valid_for_gaussians(mu):
    rng = np.random.default_rng(2)
    unlearned = rng.normal(mu, 1, (512, 300))
    result = certified_epsilon(unlearned, rng.normal(size=(512, 300)), seed=1)
    assert (result.epsilon > gaussian_epsilon(mu, 1e-5)).mean() <= 0.05
    assert result.mean > 0.0


def test_a_tight_core_is_caught_although_no_single_threshold_sees_it():
    rng = np.random.default_rng(3)
    core, wide = rng.normal(0, 0.1, (256, 40)), rng.normal(size=(256, 40))
    result = certified_epsilon(core, wide, seed=0)
    assert result.mean > 2.0
    attacks = chosen_attacks(ConfidencePair(core, wide), epsilon_from_errors)
    assert (strongest(attacks) > 0).all()  # never the single threshold


def test_an_island_is_caught_although_the_likelihood_ratio_is_gaussian():
    """Unlearned on both sides of the retrained, at equal mean and variance."""
    rng = np.random.default_rng(4)
    sides = rng.choice([-1.0, 1.0], (256, 40)) + rng.normal(0, 0.05, (256, 40))
    retrained = np.where(rng.random((256, 40)) < 0.5, 0.0, rng.choice([-1.4, 1.4]))
    result = certified_epsilon(
        sides, retrained + rng.normal(0, 0.02, (256, 40)), seed=0
    )
    assert result.mean > 0.4


def test_retrained_against_retrained_certifies_nothing_in_95_percent():
    rng = np.random.default_rng(6)
    for scale in (0.1, 1.0, 50.0):
        null = certified_epsilon(*(scale * rng.standard_t(3, (2, 64, 1500))), seed=1)
        assert (null.epsilon > 0).sum() <= binom.ppf(0.999, 1500, 0.05)


def test_the_worst_example_is_chosen_by_other_models_than_bound_it():
    """Else the largest of S null bounds would be above 0 nearly always."""
    rng = np.random.default_rng(7)
    worst = [
        certified_epsilon(*rng.normal(size=(2, 64, 100)), seed=s).worst
        for s in range(200)
    ]
    assert (np.array(worst) > 0).sum() <= binom.ppf(0.999, 200, 0.05)


def test_swapping_the_sides_promises_the_same():
    rng = np.random.default_rng(8)
    left, right = rng.normal(1, 0.4, (30, 50)), rng.normal(size=(30, 50))
    forward = chosen_attacks(ConfidencePair(left, right), epsilon_from_errors)
    backward = chosen_attacks(ConfidencePair(right, left), epsilon_from_errors)
    for one, other in zip(forward, backward, strict=True):
        assert one.promise == pytest.approx(other.promise)


def test_turning_the_axis_round_promises_the_same():
    rng = np.random.default_rng(9)
    left, right = rng.normal(1, 0.4, (30, 50)), rng.normal(size=(30, 50))
    forward = chosen_attacks(ConfidencePair(left, right), epsilon_from_errors)
    mirrored = chosen_attacks(ConfidencePair(-left, -right), epsilon_from_errors)
    for one, other in zip(forward, mirrored, strict=True):
        assert one.promise == pytest.approx(other.promise)


def test_the_order_and_the_company_of_examples_change_nothing():
    rng = np.random.default_rng(10)
    unlearned, retrained = rng.normal(1, 0.5, (40, 9)), rng.normal(size=(44, 9))
    whole = certified_epsilon(unlearned, retrained, seed=3).epsilon
    turned = certified_epsilon(unlearned[:, ::-1], retrained[:, ::-1], seed=3).epsilon
    assert turned[::-1].tolist() == whole.tolist()
    alone = certified_epsilon(unlearned[:, [4]], retrained[:, [4]], seed=3).epsilon
    assert alone[0] == whole[4]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 30),
    st.integers(2, 30),
    st.integers(1, 4),
    st.sampled_from([0.0, 1e-300, 1e-12, 1.0, 1e8]),
    st.integers(0, 100),
)
def test_every_shape_and_scale_gives_a_bound_and_leaves_the_input_alone(
    n, m, examples, scale, seed
):
    rng = np.random.default_rng(seed)
    unlearned = scale * np.round(rng.normal(size=(n, examples)), 1)
    retrained = scale * np.round(rng.normal(size=(m, examples)), 1)
    before = unlearned.copy(), retrained.copy()
    result = certified_epsilon(unlearned, retrained, seed=seed)
    assert result.epsilon.shape == (examples,)
    assert ((result.epsilon >= 0) & (result.epsilon <= largest_certifiable(n, m))).all()
    assert (unlearned == before[0]).all()
    assert (retrained == before[1]).all()


def test_models_that_all_agree_certify_nothing():
    same = np.full((64, 3), 2.5)
    assert certified_epsilon(same, same, seed=0).epsilon.tolist() == [0.0] * 3


def test_two_constants_certify_the_same_whichever_is_larger():
    result = certified_epsilon(np.full((64, 1), 1.0), np.full((64, 1), 2.0), seed=0)
    assert result.epsilon.tolist() == [largest_certifiable(64)]


def test_unusable_arrays_are_refused_in_one_sentence():
    good = np.zeros((8, 2))
    with pytest.raises(UsageError, match="NaN or infinite"):
        certified_epsilon(np.full((8, 2), np.nan), good, seed=0)
    with pytest.raises(UsageError, match="cover 3 examples"):
        certified_epsilon(np.zeros((8, 3)), good, seed=0)
    with pytest.raises(UsageError, match="at least 2 models"):
        certified_epsilon(np.zeros((1, 2)), good, seed=0)
    with pytest.raises(UsageError, match="data type object"):
        certified_epsilon(np.array([["a", None]], dtype=object), good, seed=0)
    with pytest.raises(UsageError, match=r"alpha is 1\.5"):
        certified_epsilon(good, good, seed=0, alpha=1.5)
    with pytest.raises(UsageError, match="delta is -1"):
        certified_epsilon(good, good, seed=0, delta=-1)


def moved_together(rng, shape, correlation=0.5):
    run = np.sqrt(correlation) * rng.normal(size=(shape[0], 1))
    return run + np.sqrt(1 - correlation) * rng.normal(size=shape)


def test_the_bound_of_the_mean_is_0_where_every_true_epsilon_is_0():
    """Examples that move together fail together, too; the mean of bounds fails always.

    Its bound may fail in 5 % of 60 repetitions: 3, and 7 is two deviations more.
    """
    rng, bound, summary = np.random.default_rng(0), 0, 0
    for seed in range(60):
        pair = [moved_together(rng, (32, 60)) for _ in range(2)]
        bound += certified_mean_epsilon(*pair, seed=seed) > 0
        summary += certified_epsilon(*pair, seed=seed).mean > 0
    assert bound <= 7 < summary


def test_the_bound_of_the_mean_stays_below_it_where_few_examples_have_all():
    rng = np.random.default_rng(1)
    places, failed = np.where(np.arange(100) < 10, 1.0, 0.0), 0
    truth = 0.1 * gaussian_epsilon(1.0, 1e-5)
    for seed in range(40):
        pair = moved_together(rng, (64, 100)) + places, moved_together(rng, (64, 100))
        failed += certified_mean_epsilon(*pair, seed=seed) > truth
    assert failed <= 4


def test_the_bound_of_the_mean_proves_something_and_less_than_its_summary():
    rng = np.random.default_rng(2)
    pair = rng.normal(2, 1, (64, 100)), rng.normal(size=(64, 100))
    bound = certified_mean_epsilon(*pair, seed=0)
    assert 0.5 < bound < certified_epsilon(*pair, seed=0).mean
    assert certified_mean_epsilon(*pair, seed=0, alpha=0.01) < bound


def test_the_bound_of_the_mean_counts_the_largest_bounds_as_nothing():
    rng = np.random.default_rng(3)
    one = rng.normal(5, 1, (64, 1)), rng.normal(size=(64, 1))
    alone = certified_mean_epsilon(*one, seed=0)
    assert (
        alone == certified_epsilon(*one, seed=0).mean
    )  # one example, nothing given up
    twice = [np.concatenate([each] * 40, axis=1) for each in one]
    alpha = 0.05 * 3 / 40
    kept = certified_epsilon(*one, seed=0, alpha=alpha).mean * 38 / 40
    assert GIVEN_UP * 40 == 2
    assert certified_mean_epsilon(*twice, seed=0) == pytest.approx(kept)


def test_the_bound_of_the_mean_refuses_what_is_no_probability():
    for alpha in (0.0, 1.0):
        with pytest.raises(UsageError, match="give a probability"):
            certified_mean_epsilon(*np.zeros((2, 6, 3)), seed=0, alpha=alpha)
