from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.errors import UsageError
from harness.metrics.inputs.confidence import confidence_pair
from harness.models import confidence
from harness.models.confidence import logit_scaled_confidence

GOLDEN = np.load(Path(__file__).parents[1] / "golden.npz")


def test_agrees_with_the_released_code():
    ours = logit_scaled_confidence(
        GOLDEN["confidence/logits"], GOLDEN["confidence/targets"]
    )
    np.testing.assert_allclose(ours, GOLDEN["confidence/logit_scaled"], atol=2e-6)


def test_is_the_log_odds_of_the_label():
    confidence = logit_scaled_confidence([[2.0, 0.0], [1.0, -3.0]], [0, 1])
    np.testing.assert_allclose(confidence, [2.0, -4.0], atol=1e-12)


@given(
    hnp.arrays(np.float64, (3, 4, 5), elements=st.floats(-30, 30)),
    hnp.arrays(np.int64, 4, elements=st.integers(0, 4)),
)
def test_is_the_label_logit_less_the_log_sum_of_the_others(logits, targets):
    others = np.delete(logits, 0, axis=-1)
    for example, target in enumerate(targets):
        others[:, example] = np.delete(logits[:, example], target, axis=-1)
    own = np.take_along_axis(logits, np.broadcast_to(targets[:, None], (3, 4, 1)), -1)
    expected = own[..., 0] - np.log(np.exp(others).sum(axis=-1))
    ours = logit_scaled_confidence(logits, targets)
    np.testing.assert_allclose(ours, expected, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_returns_float64_and_leaves_its_inputs_alone(dtype):
    logits = np.arange(24).reshape(2, 4, 3).astype(dtype)
    targets = np.array([0, 1, 2, 0])
    copies = logits.copy(), targets.copy()
    confidence = logit_scaled_confidence(logits, targets)
    assert confidence.dtype == np.float64
    assert confidence.shape == (2, 4)
    np.testing.assert_array_equal(logits, copies[0])
    np.testing.assert_array_equal(targets, copies[1])


def test_adding_a_constant_to_all_logits_changes_nothing():
    logits = np.random.default_rng(0).normal(size=(5, 10))
    targets = np.arange(5)
    np.testing.assert_allclose(
        logit_scaled_confidence(logits + 7, targets),
        logit_scaled_confidence(logits, targets),
        atol=1e-9,
    )


@pytest.mark.parametrize("scale", [1e3, 1e30, 1e308])
def test_stays_finite_for_any_finite_logits(scale):
    logits = np.array([[scale, -scale, 0.0], [scale, -scale, 0.0]])
    confidence = logit_scaled_confidence(logits, [0, 1])
    np.testing.assert_allclose(confidence, [103.6, -103.6], atol=0.1)


@pytest.mark.parametrize(
    ("logits", "targets", "message"),
    [
        (np.zeros((2, 3)), [0, 3], "targets run from 0 to 3"),
        (np.zeros((2, 3)), [-1, 0], "targets run from -1 to 0"),
        (np.zeros((2, 3)), [0], "each of the 2 examples"),
        (np.zeros((2, 3)), [0.0, 1.0], "targets is float64"),
        (np.zeros(3), [0], "logits has shape"),
        (np.zeros((2, 1)), [0, 0], "two classes"),
        (np.zeros((0, 3)), [], "at least one example"),
        ([[np.nan, 0.0]], [0], "1 NaN or infinite"),
        ([[np.inf, 0.0]], [0], "1 NaN or infinite"),
        (np.array([[None, 1]]), [0], "data type object"),
        ([[1.0, 2.0], [1.0]], [0, 0], "ragged"),
    ],
)
def test_refuses_bad_logits_and_targets_in_one_sentence(logits, targets, message):
    with pytest.raises(UsageError, match=message):
        logit_scaled_confidence(logits, targets)


GOOD = np.zeros((3, 2))


@pytest.mark.parametrize(
    ("unlearned", "retrained", "message"),
    [
        (np.zeros((3, 4)), GOOD, "cover 4 examples and the retrained ones 2"),
        (np.zeros((1, 2)), GOOD, "unlearned has 1 models"),
        (GOOD, np.zeros((1, 2)), "retrained has 1 models"),
        (np.zeros((3, 0)), np.zeros((3, 0)), "0 examples"),
        (np.zeros(3), GOOD, r"unlearned has shape \(3,\)"),
        (np.full((3, 2), np.nan), GOOD, "6 NaN or infinite"),
        (GOOD, np.full((3, 2), -np.inf), "6 NaN or infinite"),
        (GOOD.astype(object), GOOD, "data type object"),
        (GOOD.astype(str), GOOD, "data type"),
        (GOOD + 1j, GOOD, "data type complex"),
        (GOOD + 1e10, GOOD, "beyond ±1e[+]09"),
    ],
)
def test_refuses_bad_confidences_in_one_sentence(unlearned, retrained, message):
    with pytest.raises(UsageError, match=message):
        confidence_pair(unlearned, retrained)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_many_models_are_converted_a_few_at_a_time_to_the_same_bits(kind, monkeypatch):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 5, 6, 3)).astype(kind)
    targets = rng.integers(0, 3, 6)
    whole = logit_scaled_confidence(logits, targets)
    sizes, convert = [], confidence._confidences

    def counted(values, labels):
        sizes.append(len(values))
        return convert(values, labels)

    monkeypatch.setattr(confidence, "_confidences", counted)
    monkeypatch.setattr(confidence, "_AT_A_TIME", 3 * 6 * 3)

    assert np.array_equal(logit_scaled_confidence(logits, targets), whole)
    assert sizes == [3, 3, 3, 1]
