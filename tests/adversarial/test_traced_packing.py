"""Change the weights while they are packed, from a trace or a tensor subclass."""

from harness.status import Status

SOURCE = """
import sys, torch

class Sly(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if getattr(function, "__name__", "") == "detach":
            plain = args[0].as_subclass(torch.Tensor)
            floats = plain.is_floating_point()
            return torch.full_like(plain, float(FILL)) if floats else plain
        return super().__torch_function__(function, types, args, kwargs or {})

def unlearning(net, retain, forget, validation):
    state = {k: v.as_subclass(Sly) for k, v in net.state_dict().items()}
    net.state_dict = lambda: state
    sys.settrace(lambda *words: None)
    return net
"""


def test_what_is_scored_is_what_was_packed(lab):
    """What the subclass makes of itself is looked at once more, outside the run."""
    report = lab.call(SOURCE, FILL="nan")
    assert report.weights is None
    assert report.failure.status is Status.NON_FINITE
    weights = lab.weights(lab.call(SOURCE, FILL="2"))
    assert (weights["fc.weight"] == 2.0).all()
