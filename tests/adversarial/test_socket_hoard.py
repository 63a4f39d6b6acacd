"""Hold memory in the buffers of sockets, where no process's size shows it."""

import pytest

from harness.status import Status

LARGER_BUFFER = """
import socket

def unlearning(net, retain, forget, validation):
    one, other = socket.socketpair()
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        print("larger")
    except OSError:
        print("refused")
    return net
"""
HOARD = """
import socket, time

def unlearning(net, retain, forget, validation):
    pairs = [socket.socketpair() for _ in range(400)]
    time.sleep(60)
"""


@pytest.mark.claims("system-calls")
def test_no_buffer_can_be_made_larger(lab):
    assert lab.said(LARGER_BUFFER) == "refused\n"


@pytest.mark.claims("memory")
def test_a_run_that_holds_too_many_sockets_is_stopped_and_told_so(lab):
    if not lab.level.means.namespaces:
        pytest.skip("without a network of its own a run's sockets cannot be counted")
    report = lab.call(HOARD)
    assert report.failure.status is Status.OUT_OF_MEMORY
    assert "more sockets" in report.failure.reason
