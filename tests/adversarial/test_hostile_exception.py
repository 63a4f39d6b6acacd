"""Raise what cannot be printed, or prints escapes, or never stops printing."""

import pytest

from harness.status import Status

SOURCE = """
class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no words")
    __repr__ = __str__

class Loud(Exception):
    def __str__(self):
        return "\\x1b[31m" + "x" * 100_000_000

class Endless(Exception):
    def __str__(self):
        return str(self)

def unlearning(net, retain, forget, validation):
    raise globals()[KIND]()
"""


@pytest.mark.parametrize("kind", ["Unprintable", "Loud", "Endless"])
def test_an_exception_costs_the_run_and_not_the_harness(lab, kind):
    failure = lab.call(SOURCE, KIND=kind).failure
    assert failure.status is Status.ERROR
    assert "\x1b" not in failure.reason + failure.traceback
    assert len(failure.reason) <= 1000
    assert len(failure.traceback) <= 10_000
