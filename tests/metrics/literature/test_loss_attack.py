"""The starting kit's attack: the same answers as scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.loss_attack import (
    fit_logistic,
    loss,
    loss_attack_accuracies,
    loss_attack_metrics,
)
from tests.metrics.tables import outputs


def confidences(mean, models, examples, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(mean, 2, (models, examples))


def metric(unlearned, retrained):
    """The metric of two pairs of arrays: confidences on forget and on test examples."""
    tables = (outputs(f, test_confidence=t) for f, t in (unlearned, retrained))
    return loss_attack_metrics(Comparison(*tables, seed=0))[0]


def test_the_loss_is_minus_the_log_of_the_probability():
    p = np.array([1e-6, 0.3, 0.5, 0.999])
    assert loss(np.log(p / (1 - p))) == pytest.approx(-np.log(p))
    assert loss(np.array([-1000.0, 1000.0])).tolist() == [1000.0, 0.0]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0.01, 1.0, 100.0]), st.floats(0, 3))
def test_the_fit_is_scikit_learns_logistic_regression(seed, scale, shift):
    rng = np.random.default_rng(seed)
    y = np.repeat([1.0, 0.0], 40)
    x = scale * (rng.exponential(size=(3, 80)) + shift * y)
    slope, intercept = fit_logistic(x, y)
    for row in range(3):
        theirs = LogisticRegression(solver="newton-cholesky", tol=1e-8)
        theirs.fit(x[row][:, None], y)
        assert slope[row] == pytest.approx(theirs.coef_[0, 0], rel=1e-3, abs=1e-4)
        assert intercept[row] == pytest.approx(theirs.intercept_[0], rel=1e-3, abs=1e-3)


def test_extreme_losses_do_not_break_the_fit():
    x = np.concatenate([np.full((1, 20), 1e4), np.zeros((1, 20))], axis=1)
    slope, intercept = fit_logistic(x, np.repeat([1.0, 0.0], 20))
    guess = slope[0] * x[0] + intercept[0] > 0
    assert guess.tolist() == [True] * 20 + [False] * 20


def test_members_that_look_like_the_test_set_leave_a_coin_toss():
    found = loss_attack_accuracies(
        confidences(1, 40, 200, 0), confidences(1, 40, 500, 1), seed=0
    )
    assert found.mean() == pytest.approx(0.5, abs=0.02)


def test_memorised_members_are_found():
    found = loss_attack_accuracies(
        confidences(9, 4, 200, 0), confidences(-9, 4, 300, 1), seed=0
    )
    assert found.min() > 0.95


def test_at_most_32_models_are_attacked_and_inputs_stay():
    forget, test = confidences(1, 100, 20, 0), confidences(1, 100, 30, 1)
    before = forget.copy()
    assert loss_attack_accuracies(forget, test, seed=0).shape == (32,)
    assert (forget == before).all()


def test_the_null_is_what_the_retrained_models_get():
    unlearned = confidences(4, 16, 100, 0), confidences(0, 16, 100, 1)
    retrained = confidences(0.5, 16, 100, 2), confidences(0, 16, 100, 3)
    found = metric(unlearned, retrained)
    alone = loss_attack_accuracies(*retrained, seed=0).mean()
    assert found.null == alone
    assert found.low < found.value < found.high
    assert found.value > found.null + 0.1


def test_losses_without_variance_give_a_number_without_a_warning():
    same = np.full((5, 20), 1.5)
    assert metric((same, same), (same, same)).value == pytest.approx(0.5)


def test_too_few_examples_give_the_reason():
    few = np.zeros((4, 9))
    found = metric((few, few), (few, few))
    assert found.reason_missing == "needs 10 forget and test examples; there are 9"
