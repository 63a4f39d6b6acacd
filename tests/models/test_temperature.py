"""Calibration is the one minimum, whatever was done to a model's logits as a whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import minimize
from scipy.special import log_softmax, logit, softmax

from harness.errors import UsageError
from harness.models.outputs import NonFiniteOutputs
from harness.models.temperature import SMOOTHING, Calibration, fit_calibration

CLASSES = 4


@pytest.fixture
def drawn():
    """Logits of a model that is right more often than not, and the labels."""

    def draw(seed=0, n=80, classes=CLASSES):
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, classes, n)
        logits = rng.normal(0, 2, (n, classes)) + rng.normal(0, 0.5, classes)
        logits[np.arange(n), labels] += 1.5
        return logits, labels

    return draw


def loss(logits, labels):
    """The cross-entropy with smoothed labels, as it is written in a book."""
    classes = logits.shape[1]
    wanted = (1 - SMOOTHING) * np.eye(classes)[labels] + SMOOTHING / classes
    return -(wanted * log_softmax(logits, axis=1)).sum(axis=1).mean()


def calibrated(logits, labels):
    """Probabilities of the calibrated model on the examples of its calibration."""
    return softmax(fit_calibration(logits, labels).apply(logits), axis=1)


def test_it_is_the_minimum_that_a_general_optimiser_finds(drawn):
    logits, labels = drawn()
    fit = fit_calibration(logits, labels)

    found = minimize(
        lambda at: loss(at[0] * logits + at[1:], labels),
        np.array([1.0, *np.zeros(CLASSES)]),
        options={"gtol": 1e-9},
    )

    assert loss(fit.apply(logits), labels) <= found.fun + 1e-12
    assert fit.slope == pytest.approx(found.x[0], abs=1e-5)
    biases = found.x[1:] - found.x[1:].mean()
    assert np.allclose(fit.biases, biases, rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_gradient_is_zero_there(drawn, scale):
    """At the minimum the probabilities of each class are its smoothed share."""
    logits, labels = drawn(1)
    wanted = (1 - SMOOTHING) * np.eye(CLASSES)[labels] + SMOOTHING / CLASSES

    error = calibrated(scale * logits, labels) - wanted

    assert np.abs(error.mean(axis=0)).max() < 1e-12
    assert abs((error * logits).sum(axis=1).mean()) < 1e-11


@pytest.mark.parametrize("seed", range(5))
def test_no_other_slope_and_biases_do_better(drawn, seed):
    """The problem is convex: what is lowest around the minimum is lowest of all."""
    logits, labels = drawn(seed, n=30)
    fit, rng = fit_calibration(logits, labels), np.random.default_rng(seed)
    best = loss(fit.apply(logits), labels)

    for size in (1e-3, 0.1, 1.0, 10.0):
        slope, biases = rng.normal(fit.slope, size), rng.normal(fit.biases, size)
        assert loss(slope * logits + biases, labels) > best


def test_two_groups_of_two_classes_have_a_minimum_in_closed_form():
    """Logits of two values: each group gets the share of the first class in it."""
    logits = np.repeat([[0.7, -0.7], [-0.7, 0.7]], 10, axis=0)
    labels = np.array([0] * 8 + [1] * 2 + [0] * 3 + [1] * 7)

    fit = fit_calibration(logits, labels)

    odds = logit((1 - SMOOTHING) * np.array([0.8, 0.3]) + SMOOTHING / 2)
    assert fit.slope == pytest.approx((odds[0] - odds[1]) / 2.8, rel=1e-10)
    assert fit.biases[0] == pytest.approx(odds.sum() / 4, rel=1e-10)
    assert fit.biases.sum() == pytest.approx(0, abs=1e-14)


def test_separable_classes_have_a_finite_slope():
    labels = np.arange(9) % 3
    own = 1 - SMOOTHING + SMOOTHING / 3

    fit = fit_calibration(np.eye(3)[labels], labels)

    assert fit.slope == pytest.approx(np.log(own / (SMOOTHING / 3)), rel=1e-10)
    assert np.abs(fit.biases).max() < 1e-10


def test_a_class_that_no_example_has_gets_what_smoothing_leaves_it(drawn):
    logits, labels = drawn(2, classes=3)
    logits = np.column_stack([logits, logits.mean(axis=1)])

    share = calibrated(logits, labels).mean(axis=0)

    assert share[3] == pytest.approx(SMOOTHING / 4, rel=1e-8)


@pytest.mark.parametrize("row", [[0, 0, 0], [3, -1, 40], [1e9, 0, 0]])
def test_logits_that_tell_nothing_give_the_share_of_each_class(row):
    labels = np.array([0, 0, 1, 2])

    fit = fit_calibration(np.tile(np.float64(row), (4, 1)), labels)

    found = softmax(fit.apply(np.float64(row)))
    share = (1 - SMOOTHING) * np.array([0.5, 0.25, 0.25]) + SMOOTHING / 3
    assert fit.slope == 0
    assert np.allclose(found, share, rtol=0, atol=1e-12)


@given(
    st.floats(-3, 3).map(lambda power: 10.0**power),
    st.sampled_from([1, -1]),
    hnp.arrays(np.float64, CLASSES, elements=st.floats(-20, 20)),
    st.floats(-20, 20),
    st.integers(0, 5),
)
def test_rescaled_negated_and_shifted_logits_are_calibrated_to_the_same(
    factor, sign, biases, shift, seed
):
    """Whatever one temperature and one bias a class can do, and undo."""
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(0, 2, (40, CLASSES)), rng.integers(0, CLASSES, 40)

    changed = factor * sign * logits + factor * biases + factor * shift

    ours, theirs = calibrated(changed, labels), calibrated(logits, labels)
    assert np.allclose(ours, theirs, rtol=0, atol=1e-9)


def test_one_example_far_from_all_others_does_not_carry_the_slope_away():
    """The loss is flat to the last digit where only that example tells slopes apart."""
    logits = np.zeros((12, 3))
    logits[0, 1] = 1.0
    labels = np.zeros(12, dtype=np.int64)

    fit = fit_calibration(logits, labels)

    share = [1 - SMOOTHING * 2 / 3, SMOOTHING / 3, SMOOTHING / 3]
    assert np.allclose(softmax(fit.apply(logits), axis=1), share, rtol=0, atol=1e-5)


@given(
    hnp.arrays(np.float64, (12, 3), elements=st.floats(-50, 50)),
    hnp.arrays(np.int64, 12, elements=st.integers(0, 2)),
)
def test_it_is_never_worse_than_no_calibration_whatever_the_logits(logits, labels):
    fit = fit_calibration(logits, labels)

    assert np.isfinite(fit.row()).all()
    assert loss(fit.apply(logits), labels) <= loss(logits, labels) + 1e-9


def test_the_order_of_the_examples_does_not_matter(drawn):
    logits, labels = drawn(3)
    order = np.random.default_rng(0).permutation(len(labels))

    ours, theirs = (fit_calibration(logits[o], labels[o]) for o in (order, slice(None)))

    assert np.allclose(ours.row(), theirs.row(), rtol=0, atol=1e-11)


def test_a_row_holds_the_slope_and_then_the_biases():
    fit = Calibration(2.0, np.array([1.0, -1.0]))

    assert fit.row().tolist() == [[2.0, 1.0, -1.0]]
    assert fit.apply([[3.0, 5.0]]).tolist() == [[7.0, 9.0]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_are_refused(drawn, value):
    logits, labels = drawn()
    logits[3, 1] = value

    with pytest.raises(NonFiniteOutputs, match="logits holds 1 NaN or infinite"):
        fit_calibration(logits, labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [([0, 1], "one integer label for each"), ([0, 1, 4], "targets run from 0 to 4")],
)
def test_labels_that_do_not_fit_are_refused(labels, message):
    with pytest.raises(UsageError, match=message):
        fit_calibration(np.eye(3), labels)
