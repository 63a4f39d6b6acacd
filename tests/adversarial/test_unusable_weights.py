"""Return weights that would break the evaluator, or a network of another kind."""

import pytest

from harness.status import Status

SOURCE = """
import torch

def unlearning(net, retain, forget, validation):
    state = net.state_dict()
    with torch.no_grad():
        exec(CHANGE)
    return net
"""
CHANGES = {
    "state['fc.weight'][3, 3] = float('nan')": Status.NON_FINITE,
    "state['fc.bias'][0] = float('inf')": Status.NON_FINITE,
    "state['stem.1.running_var'][0] = -1.0": Status.NON_FINITE,
    "net.fc = torch.nn.Linear(64, 11)": Status.INVALID,
    "net.extra = torch.nn.Linear(2, 2)": Status.INVALID,
    "del net.fc": Status.INVALID,
    "net.fc.weight = None": Status.INVALID,
    "net = 'a network'": Status.INVALID,
    "net = 3": Status.INVALID,
    "net.fc.weight.data = net.fc.weight.data[:, :1]": Status.INVALID,
}


@pytest.mark.parametrize("change", CHANGES)
def test_unusable_weights_have_a_status_and_a_reason(lab, change):
    source = SOURCE
    if change.startswith("net ="):
        source = source.replace("exec(CHANGE)", change)
    failure = lab.call(source, CHANGE=change).failure
    assert failure.status is CHANGES[change]
    assert failure.reason.endswith(".")


def test_weights_that_are_not_contiguous_are_read_in_their_order(lab):
    change = "net.fc.weight.data = net.fc.weight.data.t().contiguous().t()"
    report = lab.call(SOURCE, CHANGE=change)
    assert report.weights == lab.spec.pack(lab.original)


def test_double_precision_weights_are_rounded_and_accepted(lab):
    source = SOURCE.replace("exec(CHANGE)", "net.double()")
    assert lab.call(source).weights == lab.spec.pack(lab.original)
