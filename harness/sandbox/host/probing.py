"""Try a sandbox: run the probes in it, and read off what it enforces."""

import json
import os
import secrets
import select
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.processes import WorkerDied, WorkerProcess
from harness.processes.channel import ChannelClosed, receive_json, send_json
from harness.sandbox.child.bound_probes import BURNT_SECONDS, HIDING_WAYS
from harness.sandbox.child.landlock import landlock_abi
from harness.sandbox.child.namespaces import SHARED_MEMORY
from harness.sandbox.child.probes import PROBES
from harness.sandbox.child.targets import Targets
from harness.sandbox.host.levels import IsolationReport, Level
from harness.sandbox.host.properties import PROPERTIES
from harness.sandbox.host.sandbox import Sandbox
from harness.sandbox.host.scratch import ScratchFolder
from harness.storage.cache import cache_root
from harness.storage.shipped import shipped_tracks

_SECONDS = 30.0
# Small bounds, so that going past them costs little.
_SCRATCH_BYTES, _TASKS, _MEMORY_BYTES = 8 << 20, 64, 64 << 20
# What one run can try together, and what needs a run of its own.
_TOGETHER = tuple(
    name
    for name in PROBES
    if name
    not in ("signals", "hidden memory", "cpu-time", "end", "leave traces", "traces")
)
_ROUNDS = (
    _TOGETHER,
    ("hidden memory",),
    ("cpu-time",),
    ("end",),
    ("leave traces",),
    ("traces",),
)
#: Where nothing is confined, nothing else is tried: it would get through.
_OF_A_BOUNDARY = ("handles", "memory")


@dataclass(frozen=True)
class _Answer:
    """What a run of probes said, what the supervisor said, and whether all ended."""

    through: dict[str, list[str]]
    used: dict[str, Any]
    all_ended: bool


def probe_sandbox(sandbox: Sandbox) -> IsolationReport:
    """Run every probe in a sandbox; `WorkerDied` says why one does not start."""
    bounded = replace(sandbox, scratch_bytes=_SCRATCH_BYTES, n_tasks=_TASKS)
    with ExitStack() as stack:
        folder = stack.enter_context(ScratchFolder()).path
        targets, bystander = stack.enter_context(_targets(folder))
        task = folder / "task"
        task.mkdir()
        worker = WorkerProcess(
            "harness.sandbox.child.probe_template",
            [str(task)],
            lambda argv: bounded.wrap(argv, task),
        )
        stack.callback(worker.end)
        counters = _hear(worker)["counters"]
        if sandbox.level.means.filtered:
            through = _try_all(worker, targets, bystander)
        else:
            through = _try_boundary(worker, targets)
    return _report(sandbox.level, through, {**_counted(counters), **_host()})


def _try_all(
    worker: WorkerProcess, targets: Targets, bystander: "subprocess.Popen[bytes]"
) -> dict[str, list[str]]:
    """Run every probe; return what got through, by property."""
    answers = {names: _ask(worker, names, targets) for names in _ROUNDS}
    through = {n: words for a in answers.values() for n, words in a.through.items()}
    through["memory"] += through.pop("hidden memory", [])
    through["cpu-time"] = _uncounted(answers["cpu-time",])
    through["end"] = _outliving(answers["end",])
    through["read-only"] += _changed(targets)
    # The last of all: it may cost the template its life.
    try:
        through |= _ask(worker, ("signals",), targets).through
    except WorkerDied:
        through["signals"] = ["ended the template"]
    if bystander.poll() is not None:
        through["signals"].append("ended a process of the same user")
    return through


def _try_boundary(worker: WorkerProcess, targets: Targets) -> dict[str, list[str]]:
    through = {name: ["nothing keeps a run from it"] for name in PROPERTIES}
    through |= _ask(worker, _OF_A_BOUNDARY, targets).through
    hidden = _ask(worker, ("hidden memory",), targets).through
    through["memory"] += hidden.get("hidden memory", [])
    through["cpu-time"] = _uncounted(_ask(worker, ("cpu-time",), targets))
    through["end"] = _outliving(_ask(worker, ("end",), targets))
    return through


def _uncounted(answer: _Answer) -> list[str]:
    seconds = answer.used["cpu_seconds"]
    burnt = BURNT_SECONDS * len(HIDING_WAYS)
    if seconds >= 0.9 * burnt:
        return []
    return [f"{seconds:.2f} of {burnt:.2f} s were counted"]


def _outliving(answer: _Answer) -> list[str]:
    return [] if answer.all_ended else ["a process outlived its run"]


def _changed(targets: Targets) -> list[str]:
    path = Path(targets.secret_file)
    same = path.read_text() == targets.secret and path.stat().st_mtime > 2
    return [] if same else [f"changed {path}"]


def _report(
    level: Level, through: dict[str, list[str]], facts: dict[str, str]
) -> IsolationReport:
    properties = {name: not through[name] for name in PROPERTIES}
    details = {name: "; ".join(through[name]) for name in PROPERTIES if through[name]}
    return IsolationReport(level, properties, facts | details)


def _counted(counters: dict[str, str]) -> dict[str, str]:
    return {f"{what} counter": how for what, how in counters.items()}


def _host() -> dict[str, str]:
    system = os.uname()
    return {
        "kernel": f"{system.sysname} {system.release} {system.machine}",
        "landlock": f"ABI {landlock_abi()}",
    }


@contextmanager
def _targets(folder: Path) -> Iterator[tuple[Targets, subprocess.Popen[bytes]]]:
    """Put in reach of an unconfined process what no run may reach."""
    secret = secrets.token_hex(16)
    private = folder / "private"
    private.mkdir()
    (private / "secret").write_text(secret)
    path, name = str(folder / "socket"), f"unlearn-eval-{secret}"
    with ExitStack() as stack:
        shared_memory = stack.enter_context(_shared_memory(secret))
        sockets = [
            stack.enter_context(socket.socket(family, kind))
            for family, kind in (
                (socket.AF_INET, socket.SOCK_STREAM),
                (socket.AF_UNIX, socket.SOCK_STREAM),
                (socket.AF_UNIX, socket.SOCK_STREAM),
                (socket.AF_UNIX, socket.SOCK_DGRAM),
            )
        ]
        sockets[0].bind(("127.0.0.1", 0))
        for sock, address in zip(
            sockets[1:], (path, "\0" + name, path + ".datagram"), strict=True
        ):
            sock.bind(address)
        for sock in sockets[:3]:
            sock.listen()
        bystander = subprocess.Popen(
            [shutil.which("sleep") or "sleep", "60"],
            env={"SECRET": secret},
            start_new_session=True,
        )
        stack.callback(bystander.wait)
        stack.callback(bystander.kill)
        yield (
            Targets(
                secret_file=str(private / "secret"),
                secret=secret,
                hidden=(str(cache_root()), str(shipped_tracks())),
                bystander=bystander.pid,
                port=sockets[0].getsockname()[1],
                socket_path=path,
                abstract_name=name,
                scratch_bytes=_SCRATCH_BYTES,
                n_tasks=_TASKS,
                memory_bytes=_MEMORY_BYTES,
                shared_memory=shared_memory,
            ),
            bystander,
        )


@contextmanager
def _shared_memory(secret: str) -> Iterator[str]:
    """Name a file among this user's shared memory; nothing where there is none."""
    name = ""
    with ExitStack() as stack:
        with suppress(OSError):
            folder = stack.enter_context(ScratchFolder(Path(SHARED_MEMORY)))
            file = folder.path / "words"
            file.write_text(secret)
            name = str(file)
        yield name


def _ask(worker: WorkerProcess, names: tuple[str, ...], targets: Targets) -> _Answer:
    """Have a run try some probes, and wait for the end of all that it started."""
    (result, theirs), (log, their_log) = os.pipe(), os.pipe()
    bound = targets.memory_bytes
    request = {"probes": names, "targets": asdict(targets), "memory_bytes": bound}
    try:
        _send(worker, request, (theirs, their_log))
        used = _hear(worker)
        if not used["confined"]:
            raise WorkerDied(f"the sandbox could not be made: {used['words']}")
        content, all_ended = _drain(result)
        words, _ = _drain(log)
    finally:
        os.close(result)
        os.close(log)
    if used["out_of_memory"]:
        return _Answer({}, used, all_ended)
    try:
        through: dict[str, list[str]] = json.loads(content)
    except ValueError:
        last = (words.decode(errors="replace").strip().splitlines() or ["nothing"])[-1]
        raise WorkerDied(f"a probe failed and said: {last}") from None
    return _Answer(through, used, all_ended)


def _send(worker: WorkerProcess, request: object, fds: tuple[int, int]) -> None:
    try:
        send_json(worker.socket, request, fds)
    except ChannelClosed:
        raise worker.died("the sandbox") from None
    finally:
        for fd in fds:
            os.close(fd)


def _hear(worker: WorkerProcess) -> dict[str, Any]:
    worker.socket.settimeout(_SECONDS)
    try:
        words: dict[str, Any] = receive_json(worker.socket)
    except (ChannelClosed, TimeoutError):
        raise worker.died("the sandbox") from None
    return words


def _drain(fd: int) -> tuple[bytes, bool]:
    """Read what is there, and whether nobody is left who could write more."""
    content = b""
    while select.select([fd], [], [], 0.5)[0]:
        data = os.read(fd, 1 << 16)
        if not data:
            return content, True
        content += data
    return content, False
