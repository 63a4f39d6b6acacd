"""Let DataLoader workers hand over tensors where no socket may be connected."""

from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from typing import Any

import torch


def pass_tensors_by_value() -> None:
    """Send tensors between processes as bytes in the pipe they share.

    By default torch sends a file over a socket that the receiver connects to, and at
    the partial level a run connects to nothing: what a name leads to, its own process
    or a program of the host, cannot be told apart there.
    """
    ForkingPickler.register(torch.UntypedStorage, _reduce)


def _reduce(
    storage: torch.UntypedStorage,
) -> tuple[Callable[[bytes], Any], tuple[bytes]]:
    flat = torch.empty(0, dtype=torch.uint8).set_(storage)
    return _rebuild, (flat.numpy().tobytes(),)


def _rebuild(content: bytes) -> torch.UntypedStorage:
    if not content:
        return torch.empty(0, dtype=torch.uint8).untyped_storage()
    return torch.frombuffer(bytearray(content), dtype=torch.uint8).untyped_storage()
