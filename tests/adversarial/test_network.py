"""Send the forget set out, or fetch the answers in: TCP, UDP, and a name look-up."""

import socket

import pytest

SOURCE = """
import socket

def unlearning(net, retain, forget, validation):
    def tcp():
        return socket.create_connection(("127.0.0.1", PORT), 2).recv(100)
    def udp():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            return sock.sendto(b"secret", ("127.0.0.1", PORT))
    def lookup():
        return socket.getaddrinfo("example.org", 80)
    for attempt in (tcp, udp, lookup):
        try:
            print("got", attempt())
        except OSError:
            print("refused")
    return net
"""


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        yield server


@pytest.mark.claims("network")
def test_nothing_is_sent_and_nobody_is_reached(lab, listener):
    output = lab.said(SOURCE, PORT=listener.getsockname()[1])
    assert output.split() == ["refused"] * 3
    with pytest.raises(TimeoutError):
        listener.accept()


def test_without_a_sandbox_the_listener_is_reached(unconfined, listener):
    source = SOURCE.replace("(tcp, udp, lookup)", "(udp,)")
    assert "got 6" in unconfined.said(source, PORT=listener.getsockname()[1])
