"""Have a library or a start-up file loaded into the harness's later processes."""

SOURCE = """
import os
from pathlib import Path

def unlearning(net, retain, forget, validation):
    os.environ.update(LD_PRELOAD="/tmp/evil.so", PYTHONPATH="/tmp", PYTHONHOME="/tmp")
    for name in ("torch.py", "harness.py", "sitecustomize.py", "usercustomize.py"):
        Path(name).write_text("raise SystemExit('shadowed')")
    return net
"""


def test_the_next_template_starts_as_if_nothing_had_happened(lab):
    lab.said(SOURCE)
    lab.worker.restart()
    lab.assert_unharmed()
