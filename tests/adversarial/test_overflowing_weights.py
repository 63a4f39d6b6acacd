"""Return finite weights whose products are not: the evaluator must survive them."""

import numpy as np
import pytest

from harness.evaluator.client import EvaluatorProcess, write_evaluator_inputs
from harness.models.outputs import NonFiniteOutputs
from harness.tasks.registry import find_task
from harness.track import find_track

SOURCE = """
import torch

def unlearning(net, retain, forget, validation):
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if tensor.is_floating_point():
                tensor.fill_(3e38 if "var" not in name else 0.0)
            else:
                tensor.fill_(-(1 << 63))
    return net
"""


def test_the_evaluator_says_so_and_measures_the_next_model_as_ever(lab, tmp_path):
    report = lab.call(SOURCE)
    assert report.failure is None, report.failure
    task = find_task(find_track("cifar10-quick"))
    write_evaluator_inputs(tmp_path, task, "cpu", lab.original, lab.sets)
    evaluator = EvaluatorProcess(tmp_path)
    original = lab.spec.pack(lab.original)
    try:
        before = evaluator.evaluate(original)
        with pytest.raises(NonFiniteOutputs):
            evaluator.evaluate(report.weights)
        after = evaluator.evaluate(original)
    finally:
        evaluator.close()
    assert np.array_equal(before.test_confidence, after.test_confidence)
