"""Probes of what a run may take: disk, tasks, memory and CPU time, hidden or not."""

import mmap
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path

from harness.sandbox.child.syscalls import call
from harness.sandbox.child.targets import Targets

#: CPU seconds that the probe of counting burns out of sight, in each way of hiding.
BURNT_SECONDS = 0.1

_CLONE_UNTRACED = 0x00800000
_PR_FUTEX_HASH, _SET_SLOTS, _SLOT_BYTES = 78, 1, 64
# A watch looks a few times in it.
_LONG_ENOUGH_SECONDS = 0.5


def disk(targets: Targets) -> Iterable[str]:
    """Fill every place that can be written to."""
    for folder in {os.environ["TMPDIR"], "/tmp", "/dev/shm"}:
        paths = [Path(folder, f"{targets.secret}-{i}") for i in range(4)]
        written = sum(_fill(path, targets.scratch_bytes // 2) for path in paths)
        for path in paths:
            with suppress(OSError):
                path.unlink()
        if written > targets.scratch_bytes:
            yield f"wrote {written} bytes to {folder}"


def _fill(path: Path, n_bytes: int) -> int:
    block, written = bytes(1 << 20), 0
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while written < n_bytes:
            written += file.write(block)
    return written


def tasks(targets: Targets) -> Iterable[str]:
    """Start more threads than are allowed."""
    stop = threading.Event()
    threads: list[threading.Thread] = []
    too_many = targets.n_tasks + 8
    # Or it would be the memory that runs out.
    threading.stack_size(128 << 10)
    with suppress(RuntimeError, OSError):
        while len(threads) < too_many:
            thread = threading.Thread(target=stop.wait, daemon=True)
            thread.start()
            threads.append(thread)
    stop.set()
    for thread in threads:
        thread.join()
    if len(threads) == too_many:
        yield f"started {too_many} threads"


def memory(targets: Targets) -> Iterable[str]:
    """Ask for more memory than is allowed, in one piece."""
    with suppress(MemoryError):
        held = bytearray(targets.memory_bytes + (16 << 20))
        yield f"allocated {len(held)} bytes"


def hidden_memory(targets: Targets) -> Iterable[str]:
    """Hold memory where no process's size shows it, long enough to be looked at."""
    wanted = targets.memory_bytes + (16 << 20)
    with suppress(OSError), mmap.mmap(-1, wanted) as shared:
        for start in range(0, wanted, 1 << 20):
            shared[start : start + (1 << 20)] = b"x" * (1 << 20)
            shared.madvise(mmap.MADV_DONTNEED, start, 1 << 20)
        time.sleep(_LONG_ENOUGH_SECONDS)
        yield f"held {wanted} bytes of shared memory"
    with ExitStack() as stack, suppress(OSError):
        written = 0
        while written < wanted:
            name = f"/dev/shm/{targets.secret}"
            file = stack.enter_context(Path(name).open("wb", buffering=0))
            Path(name).unlink()
            written += sum(file.write(bytes(1 << 20)) for _ in range(4))
        time.sleep(_LONG_ENOUGH_SECONDS)
        yield f"held {written} bytes in /dev/shm"
    with suppress(OSError):
        slots = 1 << (wanted // _SLOT_BYTES).bit_length()
        call("prctl", _PR_FUTEX_HASH, _SET_SLOTS, slots, 0, 0)
        time.sleep(_LONG_ENOUGH_SECONDS)
        yield f"held {slots * _SLOT_BYTES} bytes in a table of the kernel's"


def cpu_time(targets: Targets) -> Iterable[str]:
    """Burn time in processes that hide; the harness sees what was seen of it."""
    del targets
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for become in HIDING_WAYS:
        child = os.fork()
        if child == 0:
            with suppress(OSError):
                become()
            while True:
                pass
        _kill_after(child, BURNT_SECONDS)
    return ()


def _kill_after(pid: int, seconds: float) -> None:
    """Kill a process when its CPU clock says so."""
    with suppress(OSError):
        while time.clock_gettime(~pid << 3 | 2) < seconds:
            time.sleep(0.01)
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def _exec_unreadable() -> None:
    """Become a program that may not be read: the kernel ends its inherited counters."""
    path = Path(os.environ["TMPDIR"], "unreadable")
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o311)
    os.write(fd, Path("/bin/sh").read_bytes())
    os.close(fd)
    os.execv(path, ["sh", "-c", "while :; do :; done"])


def _escape_the_tracer() -> None:
    """Go on in a child that its parent's tracer does not get, unreadable as well."""
    child = call("clone", _CLONE_UNTRACED | signal.SIGCHLD, 0, 0, 0, 0)
    if child:
        _kill_after(child, BURNT_SECONDS)
        os._exit(0)
    _exec_unreadable()


#: What the probe of counting does before it burns time; nothing is a way, too.
HIDING_WAYS: tuple[Callable[[], None], ...] = (
    lambda: None,
    _exec_unreadable,
    _escape_the_tracer,
)
