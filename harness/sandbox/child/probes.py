"""What a hostile run would try first. Each probe runs inside the very sandbox.

A probe tries, and returns what got through, or nothing where all was refused. So a
property counts as enforced because the attempt failed, not because it should.

A probe that gets through must do no harm: it changes and ends nothing but what the
harness has made for it, and takes away what it leaves.
"""

import errno
import mmap
import os
import signal
import socket
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from harness.sandbox.child import privileges
from harness.sandbox.child.syscalls import call, libc

#: CPU seconds that the probe of counting burns out of sight, in each way of hiding.
BURNT_SECONDS = 0.1

_CLONE_NEWUSER, _CLONE_UNTRACED = 0x10000000, 0x00800000
_SO_COOKIE = 57
# Also those that were open before the run had mounts of its own.
_DEVICES = (
    *("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"),
    "/proc/self/fd/0",
)
# A watch looks a few times in it.
_LONG_ENOUGH_SECONDS = 0.5
_NETWORK_FAMILIES = {
    "AF_INET": 2,
    "AF_INET6": 10,
    "AF_NETLINK": 16,
    "AF_PACKET": 17,
    "AF_VSOCK": 40,
}
# With arguments that make each fail in another way where it is not refused.
_REFUSED_CALLS = (
    ("add_key", b"no such type", b"probe", None, 0, -2),
    ("bpf", 0, None, 0),
    ("io_uring_setup", 0, None),
    ("kcmp", 1, 1, 99, 0, 0),
    ("keyctl", 0, -3, 0),
    ("open_by_handle_at", -1, None, 0),
    ("perf_event_open", None, 0, -1, -1, 0),
    ("pidfd_getfd", -1, 0, 0),
    ("process_vm_readv", 1, None, 0, None, 0, 99),
    ("ptrace", 16, 1, 0, 0),
    ("shmget", 0x70726F62, 0, 0),
    ("userfaultfd", -1),
)
_IPC_RMID, _KEYCTL_UNLINK, _USER_KEYRING = 0, 9, -4


@dataclass(frozen=True)
class Targets:
    """What the harness has put in reach of an unconfined process.

    `secret` is a word that nobody else knows: in `secret_file`, in `shared_memory` (a
    file, empty where there is none) and in the environment of the process `bystander`.
    `hidden` are folders of the harness, which listens at `port` of the loopback
    interface, `socket_path` and `abstract_name`. The rest are the bounds.
    """

    secret_file: str
    secret: str
    hidden: tuple[str, ...]
    bystander: int
    port: int
    socket_path: str
    abstract_name: str
    scratch_bytes: int
    n_tasks: int
    memory_bytes: int
    shared_memory: str = ""


Probe = Callable[[Targets], Iterable[str]]


def _files(targets: Targets) -> Iterable[str]:
    secret = Path(targets.secret_file)
    with suppress(OSError):
        if targets.secret in secret.read_text():
            yield f"read {secret}"
    for folder in (*map(Path, targets.hidden), secret.parent):
        with suppress(OSError):
            if list(folder.iterdir()):
                yield f"listed {folder}"


def _read_only(targets: Targets) -> Iterable[str]:
    secret = Path(targets.secret_file)
    folders = {"/", "/dev", "/etc", "/usr", "/usr/lib", "/var/tmp", str(secret.parent)}
    folders |= {sysconfig.get_path("purelib"), sysconfig.get_path("stdlib")}
    folders |= {str(Path(__file__).parent), str(Path(sys.executable).parent)}
    for folder in sorted(folders):
        path = Path(folder, f".{targets.secret}")
        with suppress(OSError):
            path.touch()
            path.unlink()
            yield f"wrote to {folder}"
    for node in _DEVICES:
        with suppress(OSError):
            before = Path(node).stat().st_mtime_ns
            os.utime(node)
            if Path(node).stat().st_mtime_ns != before:
                yield f"changed the times of {node}"
    for name, change in _CHANGES.items():
        with suppress(OSError):
            change(secret)
            yield f"{name} {secret}"


_CHANGES: dict[str, Callable[[Path], object]] = {
    "changed the mode of": lambda path: path.chmod(0o666),
    "changed the times of": lambda path: os.utime(path, (1, 1)),
    "cut short": lambda path: os.truncate(path, 0),
    "emptied": lambda path: os.close(os.open(path, os.O_RDONLY | os.O_TRUNC)),
    "marked": lambda path: os.setxattr(path, b"user.probe", b""),
}


def _network(targets: Targets) -> Iterable[str]:
    for name, family in _NETWORK_FAMILIES.items():
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
            with suppress(OSError):
                socket.socket(family, kind).close()
                yield f"made a socket of {name}"
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", targets.port), 1).close()
        yield "connected to the loopback interface"


def _host_sockets(targets: Targets) -> Iterable[str]:
    for address in (targets.socket_path, "\0" + targets.abstract_name):
        with suppress(OSError), socket.socket(socket.AF_UNIX) as sock:
            sock.connect(address)
            yield f"connected to {address!r}"
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"probe", targets.socket_path + ".datagram")
        yield "sent a datagram"


def _shared_memory(targets: Targets) -> Iterable[str]:
    path = Path(targets.shared_memory)
    with suppress(OSError):
        if targets.secret in path.read_text():
            yield f"read {path}"
    with suppress(OSError):
        path.open("r+").close()
        yield f"opened {path} for writing"


def _processes(targets: Targets) -> Iterable[str]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if targets.secret.encode() in (folder / "environ").read_bytes():
                yield f"read {folder}/environ"
    for pid in {targets.bystander, os.getppid()} - {0, os.getpid()}:
        with suppress(OSError), Path(f"/proc/{pid}/mem").open("rb"):
            yield f"opened /proc/{pid}/mem"


def _signals(targets: Targets) -> Iterable[str]:
    # Whether the bystander died is for the harness to see: inside a PID namespace
    # its number may be somebody else's.
    with suppress(OSError):
        os.kill(targets.bystander, signal.SIGKILL)
    template = os.getppid()
    if template:
        with suppress(OSError):
            os.kill(template, 0)
            yield "signalled the template"


def _handles(targets: Targets) -> Iterable[str]:
    del targets
    listed = [int(path.name) for path in Path("/proc/self/fd").iterdir()]
    open_files = []
    for number in listed:
        # The listing itself was one of them, and is gone.
        with suppress(OSError):
            os.fstat(number)
            open_files.append(number)
    if set(open_files) - {0, 1, 2, 3}:
        yield f"has open files {open_files}"


def _privileges(targets: Targets) -> Iterable[str]:
    del targets
    if privileges.capabilities():
        yield f"has capabilities {privileges.capabilities():#x}"
    if os.getuid() == 0:
        yield "is root"
    if "NoNewPrivs:\t1" not in Path("/proc/self/status").read_text():
        yield "can gain privileges"
    if libc().unshare(_CLONE_NEWUSER) == 0:
        yield "made a user namespace"
    if libc().mount(b"none", b"/nowhere", b"tmpfs", 0, None) == 0:
        yield "mounted a file system"


def _system_calls(targets: Targets) -> Iterable[str]:
    del targets
    for name, *arguments in _REFUSED_CALLS:
        try:
            call(str(name), *arguments)
        except OSError as error:
            if error.errno in (errno.ENOSYS, errno.EPERM):
                continue
        yield f"reached {name}"
    with suppress(OSError), socket.socket(socket.AF_UNIX) as sock:
        sock.getsockopt(socket.SOL_SOCKET, _SO_COOKIE, 8)
        yield "read the number of a socket, which the whole machine counts"


def _cores(targets: Targets) -> Iterable[str]:
    with suppress(OSError):
        os.sched_setaffinity(0, os.sched_getaffinity(0))
        yield "set its cores"
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, targets.bystander, 1)
        yield "set another's priority"


def _disk(targets: Targets) -> Iterable[str]:
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


def _tasks(targets: Targets) -> Iterable[str]:
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


def _memory(targets: Targets) -> Iterable[str]:
    with suppress(MemoryError):
        held = bytearray(targets.memory_bytes + (16 << 20))
        yield f"allocated {len(held)} bytes"


def _hidden_memory(targets: Targets) -> Iterable[str]:
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


def _cpu_time(targets: Targets) -> Iterable[str]:
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


def _leave_daemon(targets: Targets) -> Iterable[str]:
    """Leave a process that holds the result's pipe; its death is the pipe's end."""
    del targets
    if os.fork() == 0:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        if os.fork() == 0:
            time.sleep(60)
        os._exit(0)
    return ()


def _leave_traces(targets: Targets) -> Iterable[str]:
    for path in _places(targets):
        with suppress(OSError):
            path.write_text(targets.secret)
    with suppress(OSError):
        call("shmget", _key(targets), 4096, 0o1666)
    with suppress(OSError):
        call("add_key", b"user", targets.secret.encode(), b"v", 1, _USER_KEYRING)
    return ()


def _traces(targets: Targets) -> Iterable[str]:
    for path in _places(targets):
        with suppress(OSError):
            if path.read_text() == targets.secret:
                yield f"found {path}"
            path.unlink()
    with suppress(OSError):
        libc().shmctl(call("shmget", _key(targets), 0, 0), _IPC_RMID, None)
        yield "found a shared memory segment"
    with suppress(OSError):
        key = call("request_key", b"user", targets.secret.encode(), None, 0)
        call("keyctl", _KEYCTL_UNLINK, key, _USER_KEYRING)
        yield "found a kernel key"


def _places(targets: Targets) -> list[Path]:
    folders = {os.environ["TMPDIR"], os.environ["HOME"], "/tmp", "/var/tmp", "/run"}
    return [Path(f, targets.secret) for f in (*folders, "/dev/shm", "/dev", "/")]


def _key(targets: Targets) -> int:
    return int(targets.secret[:7], 16)


#: By property, in this order; to leave traces is what `traces` then looks for. Hidden
#: memory is memory.
PROBES: dict[str, Probe] = {
    "files": _files,
    "read-only": _read_only,
    "network": _network,
    "host-sockets": _host_sockets,
    "shared-memory": _shared_memory,
    "processes": _processes,
    "handles": _handles,
    "privileges": _privileges,
    "system-calls": _system_calls,
    "cores": _cores,
    "disk": _disk,
    "tasks": _tasks,
    "memory": _memory,
    "hidden memory": _hidden_memory,
    "cpu-time": _cpu_time,
    "end": _leave_daemon,
    "leave traces": _leave_traces,
    "traces": _traces,
    "signals": _signals,
}
