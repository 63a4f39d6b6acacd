"""What a sandbox can enforce, in words: each property has its probe."""

from collections.abc import Mapping
from typing import NamedTuple

from harness.machine import is_gpu


class Property(NamedTuple):
    """What holds where it is enforced, and what is said to be open where it is not."""

    claim: str
    otherwise: str


PROPERTIES: Mapping[str, Property] = {
    "files": Property(
        "a run reads no file but Python, its packages and the system's",
        "private files",
    ),
    "read-only": Property(
        "a run changes nothing outside its scratch space", "changes to files"
    ),
    "network": Property("a run has no network of any kind", "network"),
    "host-sockets": Property(
        "a run reaches no other program's sockets", "other programs' sockets"
    ),
    "shared-memory": Property(
        "a run reads and changes no shared memory of other programs",
        "other programs' shared memory",
    ),
    "processes": Property(
        "a run sees no memory and no environment of other processes",
        "other processes' memory",
    ),
    "signals": Property(
        "a run signals neither the harness nor its template nor anyone else",
        "signals to other processes",
    ),
    "handles": Property(
        "a run inherits no open file but its output and its result", "open files"
    ),
    "privileges": Property(
        "a run has a user of its own, no capability, and gains none", "privileges"
    ),
    "system-calls": Property(
        "tracing, kernel keys, perf, bpf, io_uring and their like are refused",
        "dangerous system calls",
    ),
    "cores": Property("a run cannot choose its cores or priority", "cores"),
    "disk": Property("scratch space and shared memory are of bounded size", "disk use"),
    "tasks": Property(
        "the number of processes and threads is bounded", "process count"
    ),
    "memory": Property("memory is bounded, for a process and for all", "memory"),
    "end": Property(
        "every process of a run is dead when its time is taken",
        "processes that outlive their run",
    ),
    "traces": Property(
        "a run leaves nothing that a later one could find", "traces between runs"
    ),
    "cpu-time": Property(
        "CPU time is counted of every process, also of those that hide",
        "CPU time of processes that hide",
    ),
}
#: What no level enforces where runs use a GPU, whose driver sees to itself.
_ON_A_GPU = ("a run's memory", "the GPU's driver", "what is left in GPU memory")


def not_enforced_on(device: str) -> tuple[str, ...]:
    """Say what no level enforces on a device, ``"cpu"`` or ``"cuda"``."""
    return _ON_A_GPU if is_gpu(device) else ()
