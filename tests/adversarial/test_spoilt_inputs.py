"""Spoil the data and the original model for the runs that follow."""

SPOIL = """
import torch

def unlearning(net, retain, forget, validation):
    with torch.no_grad():
        for loader in (retain, forget, validation):
            for value in vars(loader.dataset).values():
                if torch.is_tensor(value):
                    value.zero_()
        for tensor in net.state_dict().values():
            tensor.zero_()
    # Zeros as they are held, so that a network sees one image over and over.
    print(sum(float((x - x[:1]).abs().sum()) for x, y in retain))
    return net
"""
LOOK = """
def unlearning(net, retain, forget, validation):
    print(sum(float(x.abs().sum()) for x, y in validation))
    return net
"""


def test_every_run_gets_its_own_copy_of_the_inputs(lab):
    before = lab.said(LOOK)
    assert lab.said(SPOIL) == "0.0\n"
    assert lab.said(LOOK) == before != "0.0\n"
