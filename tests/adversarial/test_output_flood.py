"""Print without end, to fill the disk or the harness's memory."""

SOURCE = """
import os

def unlearning(net, retain, forget, validation):
    block = b"first" + b"x" * (1 << 20)
    for _ in range(24):
        os.write(1, block)
    os.write(2, b"last")
    return net
"""


def test_the_beginning_and_the_end_are_kept_and_the_rest_is_counted(lab):
    report = lab.call(SOURCE)
    assert report.failure is None
    assert report.output.startswith("first")
    assert "more bytes left out" in report.output
    assert len(report.output) < 70_000
