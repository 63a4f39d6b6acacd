"""Return denormal weights, on which ordinary arithmetic is a hundred times slower."""

import numpy as np

from harness.evaluator.client import EvaluatorProcess, write_evaluator_inputs
from harness.tasks.registry import find_task
from harness.track import find_track

SOURCE = """
import torch

def unlearning(net, retain, forget, validation):
    with torch.no_grad():
        for tensor in net.state_dict().values():
            if tensor.is_floating_point():
                tensor.fill_(FILL)
    return net
"""


def test_the_evaluator_takes_denormal_weights_for_zeros(lab, tmp_path):
    denormal, zero = (lab.call(SOURCE, FILL=value).weights for value in (1e-41, 0.0))
    assert denormal != zero
    task = find_task(find_track("cifar10-quick"))
    write_evaluator_inputs(tmp_path, task, "cpu", lab.original, lab.sets)
    evaluator = EvaluatorProcess(tmp_path)
    try:
        slow, fast = (evaluator.evaluate(weights) for weights in (denormal, zero))
    finally:
        evaluator.close()
    # Had the product of denormals been computed, some logit would not be zero.
    assert np.array_equal(slow.forget_confidence, fast.forget_confidence)
