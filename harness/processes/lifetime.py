"""How long things last: closed when their block ends, ended with their parent."""

import ctypes
import os
import signal
import sys
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

_PR_SET_PDEATHSIG = 1


class Closing(ABC):
    """Closed when its ``with`` block ends, however it ends."""

    @abstractmethod
    def close(self) -> None:
        """End what was begun; safe to repeat."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def die_with_parent() -> None:
    """Be killed when the thread that started this process ends; on Linux alone."""
    if sys.platform == "linux":
        arguments = [ctypes.c_ulong(value) for value in (signal.SIGKILL, 0, 0, 0)]
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, *arguments) < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), "prctl")


def end_with(parent: int) -> None:
    """Die with the parent, which may have gone already and been replaced."""
    die_with_parent()
    if os.getppid() != parent:
        os._exit(1)
