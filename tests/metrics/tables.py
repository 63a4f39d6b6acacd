"""Model outputs for tests, from the few arrays that a test is about."""

import numpy as np

from harness.metrics.literature.comparison import Comparison
from harness.models.outputs import ModelOutputs


def outputs(forget, retain=None, test=None, *, accuracies=None, test_confidence=None):
    """Models with forget confidences and, where given, accuracies.

    `accuracies` are of forget, retain and test set; `retain` and `test` alone are
    enough where nothing depends on the forget set's.
    """
    if accuracies is None and retain is not None:
        accuracies = (retain, retain, test)
    names = ("forget_accuracy", "retain_accuracy", "test_accuracy")
    return ModelOutputs(
        forget_confidence=forget,
        test_confidence=test_confidence,
        **(dict(zip(names, accuracies, strict=True)) if accuracies is not None else {}),
    )


def of_accuracies(forget, retain, test):
    """Models of which nothing but the accuracies matters."""
    confidences = np.zeros((len(forget), 1))
    return outputs(confidences, accuracies=(forget, retain, test))


def compared(pair, held_out=None, seed=0):
    """Two arrays of confidences as what metrics of the literature take."""
    rest = None if held_out is None else outputs(held_out)
    return Comparison(*(outputs(each) for each in pair), rest, seed=seed)
