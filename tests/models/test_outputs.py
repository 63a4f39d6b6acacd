"""The one table of what N models output: checked where it enters, cut and stacked."""

import numpy as np
import pytest

from harness.errors import UsageError
from harness.models.confidence import logit_scaled_confidence
from harness.models.outputs import MATRICES, ModelOutputs, NonFiniteOutputs

SHARES = ("retain_accuracy", "forget_accuracy", "test_accuracy")


def table(n_models=3, **changes) -> ModelOutputs:
    rng = np.random.default_rng(0)
    content = {
        "forget_confidence": rng.normal(size=(n_models, 5)),
        "test_confidence": rng.normal(size=(n_models, 7)),
        "calibrated_confidence": rng.normal(size=(n_models, 5)),
        "calibration": rng.normal(size=(n_models, 4)),
        "forget_min_k": rng.normal(size=(n_models, 5)),
        "test_min_k": rng.normal(size=(n_models, 7)),
        "extracted_tokens": rng.normal(size=(n_models, 5)),
        **{name: rng.random(n_models) for name in SHARES},
        "original": np.arange(n_models) % 2,
    }
    return ModelOutputs(**{**content, **changes})


def test_a_table_knows_its_models_and_examples():
    outputs = table()

    assert (len(outputs), outputs.n_examples) == (3, 5)
    assert outputs.has_accuracies
    assert outputs.accuracy("test").shape == (3,)


def test_confidences_alone_are_a_table_without_a_score():
    outputs = ModelOutputs(forget_confidence=[[1, 2], [3, 4]])

    assert outputs.forget_confidence.dtype == np.float64
    assert not outputs.has_accuracies
    with pytest.raises(UsageError, match="There are no retain accuracies"):
        outputs.accuracy("retain")


def test_rows_are_taken_in_the_order_asked_for_from_every_column():
    outputs = table()

    taken = outputs.take([2, 0])

    for name, array in vars(outputs).items():
        assert np.array_equal(getattr(taken, name), array[[2, 0]])
    assert len(outputs.first(2)) == 2


def test_what_is_taken_apart_is_stacked_to_the_same_bits():
    outputs = table()

    again = ModelOutputs.stack([outputs.take([i]) for i in range(3)])

    for name, array in vars(outputs).items():
        assert np.array_equal(getattr(again, name), array)


@pytest.mark.parametrize("name", [*MATRICES, *SHARES, "original"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_wherever_it_stands(name, value):
    array = getattr(table(), name).astype(np.float64)
    array.flat[-1] = value

    with pytest.raises(NonFiniteOutputs, match="holds 1 NaN or infinite"):
        table(**{name: array})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"forget_confidence": np.zeros(5)}, r"has shape \(5,\)"),
        ({"forget_confidence": np.zeros((0, 5))}, r"has 0 models and 5 examples"),
        ({"forget_confidence": [["a"]]}, "give real numbers"),
        ({"forget_confidence": [[1], [1, 2]]}, "is ragged"),
        ({"forget_confidence": np.full((3, 5), 1e10)}, "values beyond ±1e"),
        ({"test_confidence": np.zeros((2, 7))}, "of 2 models and the forget"),
        ({"test_accuracy": np.zeros(2)}, "of 2 models and the forget"),
        ({"test_accuracy": None}, "accuracies on retain, forget alone"),
        ({"retain_accuracy": np.full(3, 1.01)}, "give shares between 0 and 1"),
        ({"retain_accuracy": np.full(3, -0.01)}, "give shares between 0 and 1"),
        ({"retain_accuracy": np.zeros((3, 1))}, "give one number a model"),
        ({"calibrated_confidence": np.zeros((2, 5))}, "of 2 models and the forget"),
        (
            {"calibrated_confidence": np.zeros((3, 4))},
            "cover 4 examples and the forget",
        ),
        ({"calibrated_confidence": np.zeros(5)}, r"has shape \(5,\)"),
        ({"calibration": np.zeros((4, 4))}, "calibration is of 4 models|of 4 models"),
        ({"original": [0, 1]}, "original models are of 2 models|of 2 models and"),
        ({"original": [0, 1, -1]}, "are no places; give 0, 1, ..."),
        ({"original": [0, 1, 0.5]}, "are no places; give 0, 1, ..."),
        ({"original": np.zeros((3, 1))}, "are no places; give 0, 1, ..."),
    ],
)
def test_what_does_not_fit_together_is_refused(changes, message):
    with pytest.raises(UsageError, match=message):
        table(**changes)


def test_calibrated_confidences_take_the_place_of_the_others():
    outputs = table()

    calibrated = outputs.calibrated()

    assert np.array_equal(calibrated.forget_confidence, outputs.calibrated_confidence)
    assert (calibrated.calibrated_confidence, calibrated.calibration) == (None, None)
    assert calibrated.test_confidence is None
    for name in (*SHARES, "original"):
        assert np.array_equal(getattr(calibrated, name), getattr(outputs, name))
    assert calibrated.calibrated() is None


def test_what_one_model_lacks_a_stack_of_models_lacks():
    """Beside a run that was kept before there was a calibration, say."""
    parts = [table(1), table(1, calibrated_confidence=None, calibration=None)]

    for order in (parts, parts[::-1]):
        stacked = ModelOutputs.stack(order)

        assert (stacked.calibrated_confidence, stacked.calibration) == (None, None)
        assert stacked.calibrated() is None
        assert len(stacked) == 2


def test_what_is_kept_in_single_precision_is_kept_so_in_every_matrix():
    outputs = table()

    rounded = outputs.in_single_precision()

    for name in MATRICES:
        exact = getattr(outputs, name)
        assert np.array_equal(getattr(rounded, name), exact.astype(np.float32))
        assert not np.array_equal(getattr(rounded, name), exact)
    assert np.array_equal(rounded.original, outputs.original)


def test_a_confidence_is_the_log_odds_of_the_label():
    logits = np.array([[1.0, 2.0, 0.5], [0.0, 0.0, 0.0]])
    odds = np.exp(2.0) / (np.exp(1.0) + np.exp(0.5))

    found = logit_scaled_confidence(logits, [1, 2])

    assert np.allclose(found, [np.log(odds), np.log(1 / 2)])
