"""Patch the harness's own functions in the process that the run shares with them."""

import numpy as np

SOURCE = """
import json, os, sys
from harness.run.inside import call, template
from harness.models.weights import WeightSpec

def unlearning(net, retain, forget, validation):
    WeightSpec.pack = lambda self, arrays: b"\\0" * self.n_bytes
    WeightSpec.first_unusable = lambda self, blob: None
    call._compare = lambda state, spec: None
    json.dumps = lambda *a, **k: '{"status": "scored"}'
    template.leave = lambda code: None
    sys.exit = os._exit
    return net
"""


def test_a_patch_reaches_no_further_than_the_runs_own_bytes(lab):
    weights = lab.weights(lab.call(SOURCE))
    assert all(not np.any(array) for array in weights.values())
    # And the next run, by the laboratory, finds everything as it was.
