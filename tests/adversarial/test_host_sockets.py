"""Ask a program of the host for help over its local socket, as one asks Docker's."""

import socket

import pytest

SOURCE = """
import socket

def unlearning(net, retain, forget, validation):
    for address in ADDRESSES:
        for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM):
            try:
                with socket.socket(socket.AF_UNIX, kind) as sock:
                    sock.connect(address)
                    print("connected", address)
            except OSError:
                pass
    return net
"""


@pytest.fixture
def addresses(tmp_path):
    path, abstract = str(tmp_path / "s"), f"\0{tmp_path.name}-{id(tmp_path)}"
    with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as two:
        one.bind(path)
        one.listen()
        two.bind(abstract)
        two.listen()
        yield [path, abstract]


@pytest.mark.claims("host-sockets")
def test_no_program_of_the_host_can_be_asked(lab, addresses):
    assert lab.said(SOURCE, ADDRESSES=addresses) == ""


def test_without_a_sandbox_it_can(unconfined, addresses):
    assert unconfined.said(SOURCE, ADDRESSES=addresses).count("connected") == 2
