"""Accuracy gaps and the tug of war between them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from harness.errors import UsageError
from harness.metrics.literature.accuracy_gaps import (
    gap_intervals,
    gap_metrics,
    tow_metrics,
    tug_of_war,
)
from harness.metrics.literature.comparison import Comparison
from tests.metrics.tables import of_accuracies, outputs


def of_models(models, means, seed, sd=0.01):
    rng = np.random.default_rng(seed)
    return of_accuracies(*np.clip(rng.normal(means, sd, (models, 3)).T, 0, 1))


def test_the_gap_interval_is_scipys_welch_interval():
    ours, theirs = of_models(20, (0.6, 0.8, 0.5), 0), of_models(33, (0.5, 0.8, 0.5), 1)
    rows = gap_intervals(ours, theirs, 0.05)
    for row, column in zip(rows, ("forget", "retain", "test"), strict=True):
        welch = ttest_ind(
            ours.accuracy(column), theirs.accuracy(column), equal_var=False
        )
        interval = welch.confidence_interval(0.95)
        assert row[1:] == pytest.approx([interval.low, interval.high])


def test_tow_of_known_gaps():
    assert tug_of_war(np.zeros(3)) == 1.0
    assert tug_of_war(np.array([0.1, -0.2, 0.0])) == pytest.approx(0.9 * 0.8)
    assert tug_of_war(np.array([1.0, 0.0, 0.0])) == 0.0


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 30), st.integers(2, 30), st.integers(0, 10**6))
def test_tow_lies_in_its_interval_and_between_nought_and_one(n, m, seed):
    rng = np.random.default_rng(seed)
    sides = [of_models(k, rng.random(3), seed, sd=0.2) for k in (n, m)]
    (metric,) = tow_metrics(Comparison(*sides, seed=seed))
    assert 0 <= metric.low <= metric.value <= metric.high <= 1
    assert 0 <= metric.null <= 1


def test_the_tow_interval_covers_the_truth():
    truth = tug_of_war(np.array([0.05, 0.0, -0.02]))
    covered = 0
    for seed in range(200):
        ours = of_models(16, (0.65, 0.8, 0.5), 2 * seed)
        theirs = of_models(16, (0.6, 0.8, 0.52), 2 * seed + 1)
        (metric,) = tow_metrics(Comparison(ours, theirs, seed=seed))
        covered += metric.low <= truth <= metric.high
    assert covered >= 187


def test_gaps_carry_their_sign_and_are_best_at_the_null():
    ours, theirs = of_models(16, (0.3, 0.8, 0.5), 0), of_models(16, (0.5, 0.8, 0.5), 1)
    metrics = gap_metrics(Comparison(ours, theirs))
    assert metrics[0].name == "forget accuracy gap"
    assert metrics[0].high < 0 and abs(metrics[0].null) < 0.02
    assert metrics[0].direction == "nearest to the null is best"


def test_accuracies_without_variance_give_an_interval_of_no_width():
    flat = of_accuracies([0.5] * 4, [0.9] * 4, [0.6] * 4)
    for metric in gap_metrics(Comparison(flat, flat)):
        assert (metric.low, metric.value, metric.high) == (0, 0, 0)


def test_models_without_accuracies_give_the_reason():
    known, bare = of_accuracies(*[[0.5] * 2] * 3), outputs(np.zeros((2, 1)))
    for comparison in (Comparison(known, bare), Comparison(bare, known)):
        for metric in (*tow_metrics(comparison), *gap_metrics(comparison)):
            assert metric.reason_missing.startswith("needs the accuracies of every")


def test_one_model_is_refused():
    one, two = of_models(1, (0.5, 0.5, 0.5), 0), of_models(2, (0.5, 0.5, 0.5), 1)
    with pytest.raises(UsageError, match="unlearned has 1 models"):
        Comparison(one, two)


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ([0.5, 1.2], r"run from 0\.5 to 1\.2"),
        ([0.5, float("nan")], "NaN or infinite"),
        ([0.5], "of 1 models and the forget confidences of 2"),
        (["a", "b"], "give real numbers"),
        ([], "of 0 models"),
    ],
)
def test_unusable_accuracies_are_refused_in_one_sentence(bad, sentence):
    with pytest.raises(UsageError, match=sentence):
        outputs(np.zeros((2, 1)), accuracies=(bad, [0.5, 0.5], [0.5, 0.5]))
