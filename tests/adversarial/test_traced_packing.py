"""Change the weights while they are packed, from a trace or a tensor subclass."""

import numpy as np

SOURCE = """
import sys, torch

class Sly(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if getattr(function, "__name__", "") == "detach":
            return torch.full_like(args[0].as_subclass(torch.Tensor), float("nan"))
        return super().__torch_function__(function, types, args, kwargs or {})

def unlearning(net, retain, forget, validation):
    state = {k: v.as_subclass(Sly) for k, v in net.state_dict().items()}
    net.state_dict = lambda: state
    sys.settrace(lambda *words: None)
    return net
"""


def test_what_is_judged_is_what_was_packed(lab):
    report = lab.call(SOURCE)
    assert report.weights is None or all(
        np.isfinite(array).all() for array in lab.weights(report).values()
    )
