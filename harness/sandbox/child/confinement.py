"""What a run is confined to, and the confining: done by the run's own process.

It happens between the fork from the template and the submission's first line, so the
code below is still ours; what it gives up cannot be had back.
"""

import json
import os
import resource
import secrets
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.processes.lifetime import die_with_parent
from harness.sandbox.child import privileges
from harness.sandbox.child.landlock import (
    SCOPE_ABI,
    TRUNCATION_ABI,
    Allowance,
    landlock_abi,
    restrict_to,
)
from harness.sandbox.child.namespaces import SCRATCH, SHARED_MEMORY, enter_fresh_mounts
from harness.sandbox.child.seccomp import SeccompRules, install_seccomp, seccomp_filter

_OPEN_FILES = 1024
#: The harmless ones, which every run is given; of ``zero`` memory can be had that no
#: process's size shows.
DEVICES = tuple(Path("/dev", name) for name in ("null", "full", "random", "urandom"))
#: What a process may keep in memory of the files that it reads.
_LOCKED_BYTES = 64 << 10
# Without those that count what happens on the whole machine.
_FACTS_IN_PROC = ("cpuinfo", "meminfo", "version", "filesystems", "sys/vm")
_GPU_NAME = "nvidia*"
#: Users above this have no account on any ordinary machine.
_FIRST_FRESH_USER = 1 << 30


@dataclass(frozen=True)
class Confinement:
    """What a run is confined to.

    With `namespaces` each run gets mounts, processes and IPC of its own, in a network
    of its own; by `landlock` it gives up all files but those named; `filtered`, it
    loses its privileges and dangerous system calls. It may write to `scratch`, whose
    size also bounds shared memory and the largest file.
    """

    namespaces: bool = False
    landlock: bool = False
    filtered: bool = False
    scratch: str = ""
    scratch_bytes: int = 1 << 30
    n_tasks: int = 256
    gpu: bool = False
    own_user: bool = False
    readable: tuple[str, ...] = ()
    cgroup: str = ""
    memory_cgroup: str = ""

    @property
    def connects_nowhere(self) -> bool:
        """Whether a run may not even connect to sockets of its own processes."""
        return self.filtered and not self.namespaces

    @classmethod
    def from_json(cls, text: str) -> "Confinement":
        """Read what `to_json` wrote: the last word of a template's command line."""
        words = json.loads(text)
        return cls(**{**words, "readable": tuple(words["readable"])})

    def to_json(self) -> str:
        """Write it as JSON."""
        return json.dumps(asdict(self))


def confine(
    confinement: Confinement, memory_bytes: int | None, user: int | None, n_others: int
) -> None:
    """Confine this process, and all it starts, for good.

    Each process may add `memory_bytes` to what it was forked with. The kernel counts
    `n_others` processes and threads of the same user together with the run's.

    Where the kernel refuses any of it nothing of a stranger may run.
    """
    privileges.set_dumpable(True)
    privileges.be_first_out_of_memory()
    if confinement.namespaces:
        kept = [p for p in confinement.readable if p.startswith(SCRATCH + "/")]
        # What counts the template's CPU time would tell how many runs there were.
        counting = (confinement.cgroup, confinement.memory_cgroup)
        hidden = [folder for folder in counting if folder]
        enter_fresh_mounts(confinement.scratch_bytes, kept, hidden)
        _reopen_input()
    if user is not None:
        if not confinement.namespaces:
            os.chown(confinement.scratch, user, user)
        privileges.become_user(user)
    _settle_in(confinement.scratch)
    _limit(confinement, memory_bytes, n_others)
    privileges.forgo_new_privileges()
    if confinement.filtered:
        privileges.drop_capabilities()
    # Both are lost by becoming another user.
    privileges.set_dumpable(True)
    die_with_parent()
    if confinement.landlock:
        restrict_to(_allowance(confinement))
    if confinement.filtered:
        install_seccomp(seccomp_filter(_rules(confinement)))


class FreshUsers:
    """Users that have no account, of those that exist in this user namespace."""

    def __init__(self) -> None:
        extents = [
            [int(number) for number in line.split()]
            for line in Path("/proc/self/uid_map").read_text().splitlines()
        ]
        first, _, count = max(extents, key=lambda extent: extent[2])
        last = min(first + count - 1, 1 << 31)
        # In a small namespace there are none; its last user is the least used.
        self._first = (
            max(first, _FIRST_FRESH_USER) if last > _FIRST_FRESH_USER else last
        )
        self._count = last - self._first + 1

    def draw(self) -> int:
        """Draw one of them, not to be guessed."""
        return self._first + secrets.randbelow(self._count)


def _reopen_input() -> None:
    """Have nothing open by a mount of the host, where it could be changed."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _settle_in(scratch: str) -> None:
    """Make the scratch space the place for all that programs write unasked."""
    home = {"HOME": scratch, "TMPDIR": scratch, "USER": "nobody", "LOGNAME": "nobody"}
    if scratch:
        os.environ.update(home)
        os.chdir(scratch)
    tempfile.tempdir = None


def _limit(confinement: Confinement, memory_bytes: int | None, n_others: int) -> None:
    # Not 0: to a program that collects core dumps the kernel sends them all the same.
    privileges.limit(resource.RLIMIT_CORE, 1)
    privileges.limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    privileges.limit(resource.RLIMIT_FSIZE, confinement.scratch_bytes)
    if confinement.filtered:
        privileges.limit(resource.RLIMIT_NPROC, confinement.n_tasks + n_others)
    # What CUDA maps is much more than what it takes; there the supervisor watches.
    if confinement.gpu:
        return
    privileges.limit(resource.RLIMIT_MEMLOCK, _LOCKED_BYTES)
    if memory_bytes is not None:
        privileges.limit(resource.RLIMIT_DATA, _data_bytes() + memory_bytes)


def _data_bytes() -> int:
    """What the kernel compares with RLIMIT_DATA (``data`` of proc(5)'s statm)."""
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    return pages * resource.getpagesize()


def _rules(confinement: Confinement) -> SeccompRules:
    if confinement.namespaces:
        return SeccompRules(gpu=confinement.gpu)
    guarded = landlock_abi() >= SCOPE_ABI or confinement.own_user
    return SeccompRules(
        gpu=confinement.gpu,
        own_files=False,
        truncation_is_guarded=landlock_abi() >= TRUNCATION_ABI,
        signals_only_to=None if guarded else os.getpid(),
    )


def _allowance(confinement: Confinement) -> Allowance:
    facts = [f"/proc/{name}" for name in _FACTS_IN_PROC]
    nodes = list(DEVICES)
    if confinement.gpu:
        nodes += Path("/dev").glob(_GPU_NAME)
        facts += ["/proc/driver/nvidia", "/proc/devices", "/sys"]
    return Allowance(
        readable=(*confinement.readable, *facts, f"/proc/{os.getpid()}"),
        writable=(confinement.scratch, SHARED_MEMORY),
        devices=tuple(map(str, nodes)),
    )
