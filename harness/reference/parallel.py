"""joblib, as it is used here: without its warning, and knowing when it is of no use."""

import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

with warnings.catch_warnings():
    # It warns when it is imported, of work that may never be asked for.
    warnings.filterwarnings("ignore", message=".*joblib will operate in serial mode")
    from joblib import Parallel, delayed
    from joblib.parallel import mp

__all__ = ["Parallel", "delayed", "stopped_quietly", "why_serial", "work_through"]


class Counter(Protocol):
    """Hears how much work there is, and how much of it is done."""

    def begin(self, what: str, total: int, done: int) -> None:
        """Hear that `total` pieces of work begin, of which `done` are done."""

    def advance(self) -> None:
        """Hear that one more piece is done."""

    def end(self) -> None:
        """Hear that the work begun last has ended."""


def work_through(
    tasks: Sequence[Any], n_jobs: int, what: str, counter: Counter | None
) -> list[Any]:
    """Do tasks made by `delayed`, some at a time; return what they give, in order."""
    if counter is not None:
        counter.begin(what, len(tasks), 0)
    found = []
    # No memory mapped for a few megabytes: a killed process would leave it behind.
    parallel = Parallel(
        n_jobs=min(n_jobs, max(1, len(tasks))), max_nbytes=None, return_as="generator"
    )
    with stopped_quietly(parallel(tasks)) as each_done:
        for each in each_done:
            found.append(each)
            if counter is not None:
                counter.advance()
    if counter is not None:
        counter.end()
    return found


@contextmanager
def stopped_quietly(
    done: Generator[Any, None, None],
) -> Iterator[Generator[Any, None, None]]:
    """Keep joblib from warning of unfinished work somebody who has just stopped it."""
    try:
        yield done
    finally:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*tasks which were still being")
            done.close()


def why_serial() -> str:
    """Say why joblib does one thing after the other here; nothing if it does not."""
    if mp is not None:
        return ""
    return (
        "this system lets no program make a semaphore (is /dev/shm there and "
        "writable?), so models are made one after the other"
    )
