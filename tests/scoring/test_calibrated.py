"""What calibrated F is the same for, whatever a submission does to its logits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.scoring.measure import Measurement
from harness.scoring.originals import OriginalsMeasurement
from harness.scoring.reference import Reference
from tests.metrics.flags.cheats import CLASSES, Logits, World, tuned

N = 12
WORLD = World()
RUNS = tuned(WORLD, np.random.default_rng(0), models=N)
REFERENCE = Reference(WORLD.outputs(WORLD.crowd(np.random.default_rng(1), N)), N)
SEEDS = st.integers(0, 2**32 - 1)


def calibrated(logits: Logits, reference=REFERENCE):
    """Official metric of calibrated confidences: ε of each example and F."""
    return Measurement(WORLD.outputs(logits), reference).calibrated.official


BEFORE = calibrated(RUNS)


def same(found):
    return (
        found.forgetting_quality == BEFORE.forgetting_quality
        and np.array_equal(found.undetermined, BEFORE.undetermined)
        and np.allclose(found.epsilon, BEFORE.epsilon, atol=1e-6)
    )


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(0.0, 2.0), st.floats(0.0, 5.0))
def test_any_temperature_and_class_biases_of_each_run_change_nothing(seed, sd, width):
    rng = np.random.default_rng(seed)
    factors = np.exp(rng.normal(0, sd, N))
    biases = rng.normal(0, width, (N, CLASSES))
    assert same(calibrated(RUNS.changed(factors, biases)))


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_the_order_of_the_runs_changes_nothing(seed):
    order = np.random.default_rng(seed).permutation(N)
    assert same(calibrated(RUNS.take(order)))


def test_upside_down_logits_are_turned_back():
    """A negative factor is undone too: the slope may be negative."""
    assert same(calibrated(RUNS.changed(-2.0)))


def test_a_constant_added_to_the_logits_of_each_example_changes_nothing():
    rng = np.random.default_rng(3)
    moved = Logits(*(z + rng.normal(size=(*z.shape[:2], 1)) for z in RUNS))
    assert same(calibrated(moved))


def test_identical_arrays_are_perfect():
    bank = WORLD.crowd(np.random.default_rng(1), N)
    assert calibrated(bank).forgetting_quality == 1.0


def test_noise_in_earlier_layers_changes_it():
    """Examples get noise each for itself, which no temperature or bias takes out."""
    noise = np.random.default_rng(4)
    moved = Logits(*(z + noise.normal(0, 1.0, z.shape) for z in RUNS))
    found = calibrated(moved).forgetting_quality
    assert found != pytest.approx(BEFORE.forgetting_quality, abs=0.01)


def test_a_bias_that_only_forget_examples_get_changes_it():
    """Who tells forget from test examples can shift the first alone."""
    moved = Logits(RUNS.forget + np.eye(CLASSES)[0] * 2, RUNS.test)
    assert not same(calibrated(moved))


def test_what_keeps_f_down_is_told_of_calibrated_confidences_in_the_mean():
    """Of each original apart, then averaged; as is what each example's row says."""
    parts = [
        Measurement(WORLD.outputs(tuned(WORLD, np.random.default_rng(k), N)), REFERENCE)
        for k in (2, 3)
    ]
    together = OriginalsMeasurement(parts, REFERENCE)
    each = [part.metrics().diagnosis for part in parts]
    found = together.metrics().diagnosis
    for name, value in vars(found).items():
        assert value == pytest.approx(np.mean([getattr(d, name) for d in each]))
    assert each[0] == parts[0].calibrated.diagnosis
    assert each[0] != parts[0].diagnosis

    places = np.arange(WORLD.outputs(RUNS).n_examples)
    tables = [m.examples(places, places % CLASSES) for m in (*parts, together)]
    one, two, mean = (rows[0] for rows in tables)
    assert mean.spread == pytest.approx((one.spread + two.spread) / 2)
    assert mean.shift == pytest.approx((one.shift + two.shift) / 2)
