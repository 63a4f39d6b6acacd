"""Compute on a GPU, for which a run on the CPU is not charged."""

import pytest

SOURCE = """
import glob, torch

def unlearning(net, retain, forget, validation):
    print(torch.cuda.is_available(), glob.glob("/dev/nvidia*") + glob.glob("/dev/dri*"))
    return net
"""


@pytest.mark.claims("files")
def test_a_run_on_the_cpu_sees_no_gpu(lab):
    if not lab.level.means.namespaces:
        pytest.skip("landlock hides contents, not names")
    assert lab.said(SOURCE) == "False []\n"
