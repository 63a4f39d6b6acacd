"""A GPU for each process, of several that a device stands for."""

import fcntl
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from harness.machine import gpus_of, is_gpu

#: Files whose locks this process holds, by the names of their GPUs.
_HELD: dict[str, int] = {}


def own_gpu(device: str) -> str | None:
    """Choose a GPU of a device that no other process has chosen, by its number.

    It is this process's until it ends, however it does; asked again, it is the same.
    None where others have all of them. A CPU is for everybody.
    """
    if not is_gpu(device):
        return device
    first = int(device.partition(":")[2] or 0)
    for number, name in enumerate(gpus_of(device), first):
        if _holds(name):
            return f"cuda:{number}"
    return None


def _holds(name: str) -> bool:
    if name not in _HELD:
        # Not in the user's cache: several machines may share that.
        file = f"unlearn-eval-{os.getuid()}-gpu-{name.replace('/', '-')}"
        path = Path(tempfile.gettempdir()) / file
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with suppress(OSError):
            opened = os.open(path, flags, 0o600)
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(opened)
                raise
            _HELD[name] = opened
    return name in _HELD
