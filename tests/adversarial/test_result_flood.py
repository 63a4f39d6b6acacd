"""Write results without end."""

from harness.status import Status

SOURCE = """
import os

def unlearning(net, retain, forget, validation):
    block = b"W" * (1 << 20)
    for _ in range(200):
        os.write(3, block)
    os._exit(0)
"""


def test_only_one_byte_too_many_is_kept(lab):
    report = lab.call(SOURCE)
    assert report.failure.status is Status.INVALID
    assert report.weights is None
    kept = max(lab.spec.n_bytes + 2, 1 << 16)
    assert f"wrote {kept} bytes" in report.failure.reason
