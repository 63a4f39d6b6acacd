"""Leave by a door that no network namespace covers: vsock, netlink, packets."""

import pytest

SOURCE = """
import socket

def unlearning(net, retain, forget, validation):
    for family in (10, 15, 16, 17, 31, 38, 40, 42, 44):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
            try:
                socket.socket(family, kind)
                print("made", family, kind)
            except OSError as error:
                if error.errno != 97:
                    print(family, kind, error)
    return net
"""


@pytest.mark.claims("network")
def test_every_family_of_sockets_but_the_local_one_is_unsupported(lab):
    assert lab.said(SOURCE) == ""


def test_without_a_sandbox_some_can_be_made(unconfined):
    assert "made 16" in unconfined.said(SOURCE)
