"""What probes of a sandbox are pointed at."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


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
