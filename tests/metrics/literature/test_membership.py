"""U-LiRA: the areas and rates of scikit-learn, a fair null, and what it cannot say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve

from harness.metrics.attacks.families import fit_gaussians
from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.literature.ulira import (
    likelihood_scores,
    roc_auc,
    tpr_at_fpr,
    ulira_metrics,
)
from tests.metrics.tables import compared

scores = st.integers(1, 12).flatmap(
    lambda n: arrays(np.float64, (n, 1), elements=st.integers(-5, 5))
)


@settings(max_examples=60, deadline=None)
@given(scores, scores, st.sampled_from([0.0, 0.01, 0.25, 0.5, 0.9]))
def test_auc_and_tpr_are_those_of_scikit_learn_ties_included(positive, negative, fpr):
    labels = np.repeat([1, 0], [len(positive), len(negative)])
    values = np.concatenate([positive, negative])[:, 0]
    assert roc_auc(positive, negative)[0] == pytest.approx(
        roc_auc_score(labels, values)
    )
    rates, hits, _ = roc_curve(labels, values, drop_intermediate=False)
    best = hits[rates <= fpr + 1e-9].max()
    assert tpr_at_fpr(positive, negative, fpr)[0] == pytest.approx(best)


def test_the_score_is_the_log_ratio_of_two_fitted_normals():
    rng = np.random.default_rng(0)
    pair = ConfidencePair(rng.normal(2, 1, (9, 3)), rng.normal(0, 2, (7, 3)))
    x = rng.normal(size=(5, 3))
    by_scipy = norm.logpdf(x, pair[0].mean(0), pair[0].std(0, ddof=1))
    by_scipy -= norm.logpdf(x, pair[1].mean(0), pair[1].std(0, ddof=1))
    assert fit_gaussians(pair).log_ratio(x) == pytest.approx(by_scipy)


def test_no_model_is_scored_by_a_fit_it_took_part_in():
    """Moving one model changes the scores of the other half only."""
    rng = np.random.default_rng(1)
    unlearned, retrained = rng.normal(size=(8, 1)), rng.normal(size=(8, 1))
    before = likelihood_scores(
        ConfidencePair(unlearned, retrained), np.random.default_rng(2)
    )
    moved = unlearned.copy()
    moved[3] += 10
    after = likelihood_scores(
        ConfidencePair(moved, retrained), np.random.default_rng(2)
    )
    same = [
        np.array_equal(a.retrained, b.retrained)
        for a, b in zip(before, after, strict=True)
    ]
    assert sorted(same) == [False, True]


def example_auc(pair):
    """Each example's area, averaged over the folds."""
    folds = likelihood_scores(pair, np.random.default_rng(0))
    return np.mean([roc_auc(*fold) for fold in folds], axis=0)


def test_equal_distributions_get_one_half_on_average():
    rng = np.random.default_rng(3)
    areas = example_auc(ConfidencePair(*rng.normal(size=(2, 32, 3000))))
    assert abs(areas.mean() - 0.5) < 4 * areas.std() / np.sqrt(3000)


def test_a_known_shift_gets_the_area_of_theory():
    rng = np.random.default_rng(4)
    pair = ConfidencePair(rng.normal(1.5, 1, (400, 60)), rng.normal(size=(400, 60)))
    assert example_auc(pair).mean() == pytest.approx(
        norm.cdf(1.5 / np.sqrt(2)), abs=0.01
    )


def test_swapping_the_sides_of_separable_data_changes_nothing():
    rng = np.random.default_rng(5)
    high, low = rng.normal(9, 1, (20, 4)), rng.normal(size=(20, 4))
    for pair in (ConfidencePair(high, low), ConfidencePair(low, high)):
        assert example_auc(pair).tolist() == [1.0] * 4


def test_a_rate_that_the_models_cannot_resolve_says_how_many_it_needs():
    rng = np.random.default_rng(6)
    pair = ConfidencePair(*rng.normal(size=(2, 64, 40)))
    by_name = {m.name: m for m in ulira_metrics(compared(pair))}
    assert by_name["U-LiRA TPR at 1 % FPR pooled"].value is not None
    assert by_name["U-LiRA TPR at 1 % FPR"].reason_missing == (
        "needs N ≥ 200 retrained models; there are 64"
    )
    pair = ConfidencePair(*rng.normal(size=(2, 8, 3)))
    by_name = {m.name: m for m in ulira_metrics(compared(pair))}
    assert by_name["U-LiRA AUC"].value is not None
    assert by_name["U-LiRA TPR at 0.1 % FPR pooled"].reason_missing == (
        "needs N ≥ 668 retrained models; there are 8"
    )


def test_one_example_without_variance_is_a_coin_toss():
    same = np.full((16, 1), 3.0)
    metrics = ulira_metrics(compared(ConfidencePair(same, same)))
    assert [m.value for m in metrics[:2]] == [0.5, 0.5]
    assert (metrics[0].low, metrics[0].high) == (0.5, 0.5)
