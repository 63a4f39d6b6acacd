"""Messages between processes arrive whole, or not at all."""

import os
import socket
import threading

import pytest

from harness.processes.channel import (
    ChannelClosed,
    receive_bytes,
    receive_json,
    receive_json_and_fds,
    send_bytes,
    send_json,
)


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize("payload", [b"", b"x", bytes(5_000_000)])
def test_bytes_of_any_size_arrive_whole(pair, payload):
    sender = threading.Thread(target=send_bytes, args=(pair[0], payload))
    sender.start()

    assert receive_bytes(pair[1]) == payload
    sender.join()


def test_messages_keep_their_order(pair):
    for message in ({"a": 1}, [2], "three"):
        send_json(pair[0], message)

    assert [receive_json(pair[1]) for _ in range(3)] == [{"a": 1}, [2], "three"]


def test_files_travel_with_a_message(pair):
    read, write = os.pipe()
    send_json(pair[0], {"seed": 1}, (write,))
    message, (received,) = receive_json_and_fds(pair[1], 1)
    os.close(write)
    with os.fdopen(received, "wb") as file:
        file.write(b"through")

    assert message == {"seed": 1}
    with os.fdopen(read, "rb") as file:
        assert file.read() == b"through"


@pytest.mark.parametrize(
    "receive", [receive_bytes, receive_json, lambda s: receive_json_and_fds(s, 1)]
)
def test_the_end_of_the_other_side_is_noticed(pair, receive):
    pair[0].close()

    with pytest.raises(ChannelClosed):
        receive(pair[1])


def test_half_a_message_is_no_message(pair):
    pair[0].sendall((100).to_bytes(8, "little") + b"only this")
    pair[0].close()

    with pytest.raises(ChannelClosed):
        receive_bytes(pair[1])


def test_a_length_out_of_all_proportion_is_no_message(pair):
    pair[0].sendall(b"\xff" * 8)

    with pytest.raises(ChannelClosed, match="no message of ours"):
        receive_bytes(pair[1])


def test_sending_to_nobody_is_noticed(pair):
    pair[1].close()

    with pytest.raises(ChannelClosed):
        send_bytes(pair[0], bytes(1000))
