"""Fresh namespaces for each run, made by a template that may make them."""

import ctypes
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from harness.sandbox.child.syscalls import checked, libc

_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWPID = 0x20000, 0x08000000, 0x20000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 0x1, 0x2, 0x4, 0x8
_MS_REMOUNT = 0x20
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_USER_NAMESPACES = Path("/proc/sys/user/max_user_namespaces")

SCRATCH, SHARED_MEMORY = "/tmp", "/dev/shm"
_INODES = 65536
#: What counts, for the whole machine, things that a run can do: it may see how much
#: there was when the template started, and no more.
_COUNTING_FACTS = (
    "buddyinfo diskstats interrupts schedstat softirqs stat vmstat zoneinfo "
    "pressure/cpu pressure/io pressure/irq pressure/memory sys/fs/aio-nr "
    "sys/fs/dentry-state sys/fs/file-nr sys/fs/inode-nr sys/fs/inode-state"
)
_FACTS = Path(SCRATCH, ".facts")
#: What no program needs, and counts interrupts, and what each disk's file system does.
_COUNTING_FOLDERS = ("/proc/irq", "/proc/fs")


class ProcessNamespaces:
    """Gives every fork a PID namespace of its own, and keeps out of it itself."""

    def __init__(self) -> None:
        self._own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def fork(self) -> int:
        """Fork a child that is process 1 of a new namespace, which ends with it."""
        _unshare(_CLONE_NEWPID)
        try:
            child = os.fork()
            if child == 0:
                return 0
        finally:
            # Or the next fork would land in this child's namespace.
            if os.getpid() != 1:
                checked(libc().setns(self._own, _CLONE_NEWPID), "setns")
        return child


def forbid_user_namespaces() -> None:
    """Forbid new user namespaces beneath ours, where it is ours to say."""
    if os.geteuid() != 0:
        with suppress(OSError):
            _USER_NAMESPACES.write_text("0")


def keep_facts() -> None:
    """Write down, once for all runs, what would count them."""
    _FACTS.mkdir(mode=0o755)
    for name in _COUNTING_FACTS.split():
        with suppress(OSError):
            content = Path("/proc", name).read_bytes()
            copy = _FACTS / name.replace("/", "-")
            copy.write_bytes(content)
            copy.chmod(0o444)


def enter_fresh_mounts(
    scratch_bytes: int, keep: Sequence[str] = (), hide: Sequence[str] = ()
) -> None:
    """Get a view of processes, scratch space, shared memory and IPC of one's own.

    Devices keep their times, and processes their settings.

    What is to `keep` lies where the scratch space is mounted and stays visible; what is
    to `hide` are folders that the template sees and a run must not.
    """
    _unshare(_CLONE_NEWNS | _CLONE_NEWIPC)
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    _mount("proc", "/proc", "proc", flags)
    for name in _COUNTING_FACTS.split():
        copy, place = _FACTS / name.replace("/", "-"), Path("/proc", name)
        if copy.exists() and place.exists():
            _mount(str(copy), str(place), None, _MS_BIND)
            _make_read_only(str(place))
    # The mount alone, not the bounds of what it shows: other mounts lie on top of it.
    _make_read_only("/proc")
    for node in Path("/dev").iterdir():
        if node.is_char_device() and not node.is_symlink():
            _make_read_only(str(node))
    size = f"mode=1777,size={scratch_bytes},nr_inodes={_INODES}"
    links = {path: path.readlink() for path in map(Path, keep) if path.is_symlink()}
    others = [path for path in map(Path, keep) if path not in links]
    kept = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in others}
    _mount("tmpfs", SCRATCH, "tmpfs", _MS_NOSUID | _MS_NODEV, size)
    for path, target in links.items():
        _make_place(path.parent, is_folder=True)
        path.symlink_to(target)
    for path, fd in kept.items():
        _make_place(path, is_folder=Path(f"/proc/self/fd/{fd}").is_dir())
        _mount(f"/proc/self/fd/{fd}", str(path), None, _MS_BIND | _MS_REC)
        os.close(fd)
    _mount("tmpfs", SHARED_MEMORY, "tmpfs", flags, size)
    for folder in (*hide, *filter(os.path.isdir, _COUNTING_FOLDERS)):
        _mount("tmpfs", folder, "tmpfs", flags | _MS_RDONLY, "size=4k")


def _make_read_only(place: str) -> None:
    """Make a mount read-only, otherwise as it is; devices can be written to still."""
    kept = os.statvfs(place).f_flag & (_MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    _mount("none", place, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | kept)


def _make_place(path: Path, *, is_folder: bool) -> None:
    """Make what a mount is put on."""
    (path if is_folder else path.parent).mkdir(mode=0o755, parents=True, exist_ok=True)
    if not is_folder:
        path.touch()


def _unshare(flags: int) -> None:
    checked(libc().unshare(flags), "unshare")


def _mount(
    source: str, target: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    result = libc().mount(
        source.encode(),
        target.encode(),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        None if options is None else options.encode(),
    )
    checked(result, f"mount {target}")
