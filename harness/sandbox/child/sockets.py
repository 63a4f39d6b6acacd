"""Sockets hold memory that no process owns; their number is what can be bounded."""

from contextlib import suppress

from harness.sandbox.child.descendants import read_quietly

#: A run at the full level may have so many at a time. Each holds some 200 KiB at most,
#: because it cannot be given a larger buffer.
MOST_SOCKETS = 512
_COUNTS = "/proc/net/sockstat"
_LABEL = b"sockets: used "


def open_sockets() -> int:
    """Count the sockets of this network namespace.

    Those are counted too that are on their way from one process to another. A system
    that does not say has none of them counted: 0.
    """
    with suppress(OSError, ValueError):
        line = read_quietly(_COUNTS).partition(b"\n")[0]
        return int(line.removeprefix(_LABEL))
    return 0
