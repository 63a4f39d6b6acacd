"""Why F is low: what is put right is what was wrong."""

import numpy as np
import pytest

from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.official.diagnosis import diagnose, moments


def crowd(rng, shift, spread, models=64, examples=150):
    """Unlearned, retrained and held-out models of one benchmark."""
    base, scale = rng.normal(0, 3, examples), rng.uniform(0.5, 2, examples)
    ours, theirs, others = rng.normal(size=(3, models, examples))
    pair = ConfidencePair(base + scale * (shift + spread * ours), base + scale * theirs)
    return pair, base + scale * others


def test_a_centred_method_with_too_little_spread_gets_retrainings_f_with_it_put_right():
    pair, held_out = crowd(np.random.default_rng(0), shift=0.0, spread=0.6)
    found = diagnose(pair, held_out)
    assert found.spread == pytest.approx(0.6, abs=0.02)
    assert found.shift < 0.2
    # The published figures: F 0.042 of 0.18.
    assert found.centred == pytest.approx(0.042, abs=0.01)
    assert found.rescaled == pytest.approx(0.18, abs=0.02)


def test_a_shifted_method_with_the_right_spread_gets_it_with_the_mean_put_right():
    pair, held_out = crowd(np.random.default_rng(1), shift=1.5, spread=1.0)
    found = diagnose(pair, held_out)
    assert found.shift == pytest.approx(1.5, abs=0.1)
    assert found.spread == pytest.approx(1.0, abs=0.03)
    assert found.centred == pytest.approx(0.18, abs=0.03)
    assert found.rescaled < 0.06


def test_held_out_models_keep_what_is_put_right_from_fitting_too_well():
    pair, held_out = crowd(np.random.default_rng(2), shift=1.5, spread=1.0)
    assert diagnose(pair, held_out).centred < diagnose(pair).centred


def test_moments_keep_their_sign_and_survive_examples_without_any_spread():
    pair = ConfidencePair(
        np.array([[1.0, 5.0, 2.0], [3.0, 5.0, 2.0]]),
        np.array([[4.0, 5.0, 2.0], [8.0, 5.0, 3.0]]),
    )
    found = moments(pair)
    assert found.shift.tolist() == [-2.0, 0.0, -1.0]
    assert found.spread.tolist() == [0.5, 0.0, 0.0]
    flat = ConfidencePair(np.zeros((4, 2)), np.ones((4, 2)))
    assert np.isfinite(moments(flat)).all()
    assert diagnose(flat).rescaled == 0.0
