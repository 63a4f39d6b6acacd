"""Return quickly and let a thread go on improving the weights while they are read."""

import numpy as np

SOURCE = """
import threading, torch

def unlearning(net, retain, forget, validation):
    begun = threading.Event()
    def go_on():
        while True:
            with torch.no_grad():
                for parameter in net.parameters():
                    parameter.add_(1.0)
            begun.set()
    threading.Thread(target=go_on, daemon=True).start()
    begun.wait()
    return net
"""


def test_weights_are_a_snapshot_and_the_thread_dies_with_the_run(lab):
    report = lab.call(SOURCE)
    weights = lab.weights(report)
    assert np.abs(weights["fc.bias"] - lab.original["fc.bias"]).min() > 0.5
    assert report.usage.wall_seconds < 20
