"""Few models, one example, ties and certain answers: numbers and no warnings."""

from dataclasses import replace

import numpy as np
import pytest

from harness.metrics.attacks.certified import certified_epsilon, certified_mean_epsilon
from harness.metrics.official.metric import official_metric
from harness.metrics.uncertainty.ceiling import ceilings
from harness.metrics.uncertainty.interval import Interval, Unavailable
from harness.metrics.uncertainty.official_interval import official_intervals
from harness.metrics.uncertainty.paired import paired_difference
from harness.models.confidence import logit_scaled_confidence
from harness.models.outputs import ModelOutputs
from harness.scoring.originals import measure_runs
from harness.scoring.reference import Reference
from tests.metrics.tables import outputs
from tests.typed_results import run_record

pytestmark = pytest.mark.filterwarnings("error")


def of_probabilities(rng, n_models, share_certain):
    """Confidences of p = 0 and p = 1 exactly, and of probabilities between."""
    logits = rng.normal(0, 3, (n_models, 20, 2))
    certain = rng.random((n_models, 20)) < share_certain
    logits[certain] = np.where(rng.random((certain.sum(), 1)) < 0.5, 1, -1) * [
        1e4,
        -1e4,
    ]
    flat = logits.reshape(-1, 2)
    found = logit_scaled_confidence(flat, np.zeros(len(flat), dtype=np.int64))
    return outputs(np.asarray(found).reshape(n_models, 20))


def check(a, b, bank):
    """Every number on these exists, is finite and holds what it must."""
    found = official_metric(a, bank)
    assert 0 <= found.forgetting_quality <= 1
    ends = official_intervals(a, bank, seed=0).forgetting_quality
    assert isinstance(ends, Interval)
    assert found.forgetting_quality in ends
    difference = paired_difference(a, b, bank, seed=0)
    assert difference.low <= difference.difference <= difference.high
    assert 0 <= difference.p_value <= 1
    pair = a.forget_confidence, bank.forget_confidence
    assert certified_mean_epsilon(*pair, seed=0) >= 0
    assert np.isfinite(certified_epsilon(*pair, seed=0).epsilon).all()


@pytest.mark.parametrize("share_certain", [0.5, 1.0])
def test_certain_answers(share_certain):
    rng = np.random.default_rng(0)
    check(*(of_probabilities(rng, 16, share_certain) for _ in range(3)))


def test_ties_of_half_precision():
    rng = np.random.default_rng(1)
    check(*(outputs(np.float16(rng.normal(0, 0.01, (16, 20)) + 7)) for _ in range(3)))


def test_one_example():
    rng = np.random.default_rng(2)
    check(*(outputs(rng.normal(size=(16, 1))) for _ in range(3)))


def test_the_fewest_models():
    rng = np.random.default_rng(3)
    check(*(outputs(rng.normal(size=(8, 20))) for _ in range(3)))
    two = outputs(rng.normal(size=(2, 20)))
    assert official_metric(two, two).forgetting_quality == 0  # no bucket has points
    ends = official_intervals(two, two, seed=0).forgetting_quality
    assert isinstance(ends, Unavailable)


def test_a_bank_that_is_smaller_than_n():
    rng = np.random.default_rng(4)
    a, b, bank = (outputs(rng.normal(size=(n, 20))) for n in (32, 32, 9))
    check(a, b, bank)
    assert isinstance(ceilings(bank, 32, seed=0).forgetting_quality, Unavailable)


def test_originals_with_too_few_models_each_say_so():
    rng = np.random.default_rng(5)
    bank = Reference(ModelOutputs(forget_confidence=rng.normal(size=(16, 20))), 3)
    runs = [
        run_record(
            i,
            outputs=replace(
                outputs(rng.normal(size=(1, 20))), original=np.array([i % 2])
            ),
        )
        for i in range(6)
    ]
    measured = measure_runs(runs, bank)
    metrics = measured.metrics()
    assert metrics.forgetting_quality.reason.startswith("interval: needs N ≥ 8")
    assert metrics.forgetting_quality.low_repeated is None
    assert (metrics.precision, measured.scored) == ((), None)
