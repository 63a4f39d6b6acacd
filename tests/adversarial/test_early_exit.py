"""End the process before there is a result, politely or not."""

import pytest

from harness.status import Status

SOURCE = """
import ctypes, os, signal, sys

def unlearning(net, retain, forget, validation):
    exec(WAY)
"""
WAYS = {
    "os._exit(0)": "(exit code 0) without returning weights",
    "os._exit(7)": "(exit code 7) without returning weights",
    "sys.exit(0)": "it raised SystemExit",
    "raise KeyboardInterrupt": "it raised KeyboardInterrupt",
    "raise GeneratorExit('x')": "it raised GeneratorExit",
    "ctypes.string_at(0)": "died of signal 11",
    "os.execv('/bin/true', ['true'])": "(exit code 0) without returning weights",
}


@pytest.mark.parametrize("way", WAYS)
def test_the_verdict_comes_from_the_bytes_and_not_from_the_exit_code(lab, way):
    failure = lab.call(SOURCE, WAY=way).failure
    assert failure.status is Status.ERROR
    assert WAYS[way] in failure.reason
