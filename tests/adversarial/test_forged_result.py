"""Write the result oneself: on every open file, too much of it, or somebody else's."""

import numpy as np

from harness.status import Status

ON_EVERY_FILE = """
import os

def unlearning(net, retain, forget, validation):
    for fd in range(3, 50):
        try:
            os.write(fd, b"W" + b"\\0" * N_BYTES)
        except OSError:
            pass
    return net
"""
ZEROS_THEN_EXIT = """
import os

def unlearning(net, retain, forget, validation):
    data = memoryview(b"W" + b"\\0" * N_BYTES)
    while data:
        data = data[os.write(3, data):]
    os._exit(0)
"""
SCORE = """
import os

def unlearning(net, retain, forget, validation):
    os.write(3, b'{"score": 1.0, "status": "scored"}')
    os._exit(0)
"""


def test_more_bytes_than_weights_are_no_result(lab):
    report = lab.call(ON_EVERY_FILE, N_BYTES=lab.spec.n_bytes)
    assert report.weights is None
    assert report.failure.status is Status.INVALID
    assert f"where {lab.spec.n_bytes + 1} were expected" in report.failure.reason


def test_forged_weights_are_weights_and_nothing_more(lab):
    weights = lab.weights(lab.call(ZEROS_THEN_EXIT, N_BYTES=lab.spec.n_bytes))
    assert all(not np.any(array) for array in weights.values())


def test_a_score_in_place_of_weights_is_no_result(lab):
    assert lab.call(SCORE).failure.status is Status.INVALID
