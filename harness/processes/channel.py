"""Messages between the harness and its processes, over a socket pair."""

import json
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("<Q")
_LARGEST = 1 << 33
_GONE = "the other process has gone"


class ChannelClosed(ConnectionError):
    """The other side has gone."""


def send_bytes(sock: socket.socket, payload: bytes) -> None:
    """Send one message of bytes."""
    try:
        sock.sendall(_LENGTH.pack(len(payload)) + payload)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise ChannelClosed(_GONE) from error


def receive_bytes(sock: socket.socket) -> bytes:
    """Receive one message of bytes, unless the other side has gone or time is up."""
    (length,) = _LENGTH.unpack(_read(sock, _LENGTH.size))
    if length > _LARGEST:
        raise ChannelClosed(f"a message of {length} bytes is no message of ours")
    return _read(sock, length)


def send_json(sock: socket.socket, message: Any, fds: tuple[int, ...] = ()) -> None:
    """Send one JSON message, and file descriptors with it."""
    payload = json.dumps(message).encode()
    if fds:
        try:
            socket.send_fds(sock, [b"F"], list(fds))
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ChannelClosed(_GONE) from error
    send_bytes(sock, payload)


def receive_json(sock: socket.socket) -> Any:
    """Receive one JSON message without file descriptors; of another kind is none."""
    payload = receive_bytes(sock)
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        raise ChannelClosed("what came is no message of ours") from None


def receive_json_and_fds(sock: socket.socket, n_fds: int) -> tuple[Any, list[int]]:
    """Receive one JSON message and the file descriptors sent with it."""
    marker, fds, _, _ = socket.recv_fds(sock, 1, n_fds)
    if not marker:
        raise ChannelClosed(_GONE)
    return receive_json(sock), list(fds)


def _read(sock: socket.socket, length: int) -> bytes:
    chunks = bytearray()
    while len(chunks) < length:
        try:
            chunk = sock.recv(min(1 << 20, length - len(chunks)))
        except ConnectionResetError as error:
            raise ChannelClosed(_GONE) from error
        if not chunk:
            raise ChannelClosed(_GONE)
        chunks += chunk
    return bytes(chunks)
