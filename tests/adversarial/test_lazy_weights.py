"""Return weights that are computed only when somebody looks: after the clock."""

import pytest

SOURCE = """
import time
from torch import nn

class Lazy(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net
    def state_dict(self, *args, **kwargs):
        while time.process_time() < 0.4:
            pass
        return self.net.state_dict()
    def forward(self, inputs):
        raise RuntimeError("called by the harness")

def unlearning(net, retain, forget, validation):
    time.process_time()
    return Lazy(net)
"""


@pytest.mark.claims("cpu-time")
def test_what_is_put_off_is_paid_for_and_forward_is_never_called(lab):
    report = lab.call(SOURCE)
    assert report.weights == lab.spec.pack(lab.original)
    assert report.usage.cpu_seconds >= 0.3
