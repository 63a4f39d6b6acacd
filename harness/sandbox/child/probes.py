"""What a hostile run would try first. Each probe runs inside the very sandbox.

A probe tries, and returns what got through, or nothing where all was refused. So a
property counts as enforced because the attempt failed, not because it should.

A probe that gets through must do no harm: it changes and ends nothing but what the
harness has made for it, and takes away what it leaves.
"""

import errno
import os
import signal
import socket
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from harness.sandbox.child import bound_probes, privileges
from harness.sandbox.child.syscalls import call, libc
from harness.sandbox.child.targets import Probe, Targets

_CLONE_NEWUSER = 0x10000000
_SO_COOKIE = 57
# Also those that were open before the run had mounts of its own.
_DEVICES = (
    *("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"),
    "/proc/self/fd/0",
)
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
    "disk": bound_probes.disk,
    "tasks": bound_probes.tasks,
    "memory": bound_probes.memory,
    "hidden memory": bound_probes.hidden_memory,
    "cpu-time": bound_probes.cpu_time,
    "end": _leave_daemon,
    "leave traces": _leave_traces,
    "traces": _traces,
    "signals": _signals,
}
