"""The harness's side of one template process: one run after another."""

import json
import os
import select
import selectors
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.models.weights import WeightSpec
from harness.plain_text import escape_controls, head_and_tail
from harness.processes import WorkerDied, WorkerProcess
from harness.processes.channel import ChannelClosed, receive_json, send_json
from harness.processes.lifetime import Closing
from harness.run.cost import WallClock
from harness.run.messages import (
    BEGUN,
    FAILURE,
    WEIGHTS,
    Failure,
    Request,
    RunReport,
    Usage,
)
from harness.sandbox import Sandbox
from harness.status import Status

#: Only a process that hangs takes so long to start, or a machine that is overloaded.
_START_SECONDS, _END_SECONDS = 600.0, 60.0
#: How often the clock of a run is looked at.
_LOOK_SECONDS = 1.0
_CHUNK = 1 << 20
_LARGEST_WORDS = 1 << 16
_LARGEST_LOG = 1 << 22


class RunWorker(Closing):
    """Runs submissions one after the other, each forked from one template.

    `inputs` is the folder of a run's inputs, `spec` says what weights must come back;
    `readable` is what the sandbox must show to runs besides, and `gpu` the one GPU that
    they may use, as CUDA_VISIBLE_DEVICES names it.
    """

    def __init__(
        self,
        inputs: Path,
        spec: WeightSpec,
        sandbox: Sandbox,
        *,
        gpu: str | None = None,
        readable: Sequence[Path] = (),
    ) -> None:
        self._inputs, self._spec, self._sandbox = inputs, spec, sandbox
        self._gpu, self._readable = gpu, tuple(readable)
        self._closed = False
        self._worker = self._start()

    def close(self) -> None:
        """End the template, and with it a run in flight; no other takes its place."""
        self._closed = True
        self._worker.end()

    def run(self, request: Request) -> RunReport:
        """Call a submission once, or read a checkpoint.

        `WorkerDied` is our failure: the run may be repeated with the same seed.
        """
        self._await_ready()
        result, theirs = os.pipe()
        log, their_log = os.pipe()
        start, clock = time.monotonic(), WallClock(request.limit)
        try:
            self._send(request, theirs, their_log)
            if self._gpu is not None:
                self._await_begun(result)
                start, clock = time.monotonic(), WallClock(request.limit)
            content, output = self._read(result, log, clock)
            wall = time.monotonic() - start
            outlasted = 0.0 if self._ends_by(clock) else time.monotonic() - start
            used = self._used(end_it=bool(outlasted))
        finally:
            os.close(result)
            os.close(log)
        if self._gpu is None:
            wall = time.monotonic() - start
        if used is None:
            return self._without_template(wall, output)
        usage = Usage(used["cpu_seconds"], wall, used["peak_bytes"])
        if not used["confined"]:
            raise WorkerDied(f"a run could not be confined: {used['words']}")
        failure = _stopped(request, used, outlasted)
        if failure is not None:
            return RunReport(usage, failure=failure, output=output)
        return self._checked(content, used["exit_code"], usage, output)

    def restart(self) -> None:
        """Replace a template that failed by a fresh one, unless this is closed."""
        self._worker.end()
        if not self._closed:
            self._worker = self._start()
        if self._closed:
            self._worker.end()
            raise WorkerDied("the process that runs submissions was ended")

    def _start(self) -> WorkerProcess:
        self._ready = False
        return WorkerProcess(
            "harness.run.inside.template",
            [str(self._inputs)],
            lambda argv: self._sandbox.wrap(
                argv,
                self._inputs,
                gpu=self._gpu is not None,
                readable=self._readable,
            ),
            gpu=self._gpu,
        )

    def _died(self) -> WorkerDied:
        return self._worker.died("the process that runs submissions")

    def _await_ready(self) -> None:
        if self._ready:
            return
        sock = self._worker.socket
        sock.settimeout(_START_SECONDS)
        try:
            receive_json(sock)
        except ChannelClosed:
            raise self._died() from None
        except TimeoutError:
            raise WorkerDied(
                "the process that runs submissions has not started within "
                f"{_START_SECONDS:.0f} s; the machine may be overloaded: end other "
                "programs, or ask for fewer runs at a time (-j 1)"
            ) from None
        self._ready = True

    def _send(self, request: Request, result: int, log: int) -> None:
        try:
            if self._worker.has_ended:
                raise self._died()
            send_json(self._worker.socket, request.message(), (result, log))
        except (ChannelClosed, TimeoutError):
            raise self._died() from None
        finally:
            os.close(result)
            os.close(log)

    def _await_begun(self, result: int) -> None:
        """Wait until a run is on its GPU: what that takes, and its failure, is ours."""
        if not select.select([result], [], [], _START_SECONDS)[0]:
            raise WorkerDied(f"no run came onto the GPU within {_START_SECONDS:.0f} s")
        if os.read(result, 1) == BEGUN:
            return
        words = os.read(result, _LARGEST_WORDS)
        reason = json.loads(words)["reason"] if words else "it ended without a word"
        raise WorkerDied(f"a run could not be started on the GPU: {reason}")

    def _read(self, result: int, log: int, clock: WallClock) -> tuple[bytes, str]:
        """Drain both pipes to their ends, or until the clock has run down.

        Of the result at most one byte too many is kept.
        """
        largest = max(self._spec.n_bytes + 2, _LARGEST_WORDS)
        content, output, dropped = bytearray(), bytearray(), 0
        with selectors.DefaultSelector() as selector:
            selector.register(result, selectors.EVENT_READ)
            selector.register(log, selectors.EVENT_READ)
            while selector.get_map() and (left := clock.left()) > 0:
                for key, _ in selector.select(min(left, _LOOK_SECONDS)):
                    data = os.read(key.fd, _CHUNK)
                    if not data:
                        selector.unregister(key.fd)
                    elif key.fd == result:
                        content += data[: largest - len(content)]
                    elif len(output) < _LARGEST_LOG:
                        output += data
                    else:
                        dropped += len(data)
        text = head_and_tail(bytes(output))
        if dropped:
            text += f"\n[... {dropped} more bytes left out ...]"
        return bytes(content), text

    def _ends_by(self, clock: WallClock) -> bool:
        """Wait for the template's word that the run is over.

        A run may close its pipes and go on; so their ends are not its end.
        """
        while True:
            left = max(0.0, clock.left())
            seconds = min(left, _LOOK_SECONDS)
            if select.select([self._worker.socket], [], [], seconds)[0]:
                return True
            if not left:
                return False

    def _used(self, *, end_it: bool) -> dict[str, Any] | None:
        """Hear from the template what the run used; by then all of it is dead.

        Returns None if the template is gone, and the run may have ended it.
        """
        sock = self._worker.socket
        sock.settimeout(_END_SECONDS)
        try:
            if end_it:
                send_json(sock, {"kill": True})
            used: dict[str, Any] = receive_json(sock)
        except (ChannelClosed, TimeoutError):
            if self._sandbox.guards_template:
                raise self._died() from None
            return None
        return used

    def _without_template(self, wall_seconds: float, output: str) -> RunReport:
        """Blame the run: to try again would be to let it choose another draw."""
        self.restart()
        reason = (
            "the process that started it died during the run, which nothing but the "
            f"run itself is known to do (isolation: {self._sandbox.level})."
        )
        failure = Failure(Status.ERROR, reason)
        return RunReport(Usage(0.0, wall_seconds, 0), failure=failure, output=output)

    def _checked(
        self, content: bytes, exit_code: int, usage: Usage, output: str
    ) -> RunReport:
        kind, body = content[:1], content[1:]
        if kind == WEIGHTS and len(body) == self._spec.n_bytes:
            bad = self._spec.first_unusable(body)
            if bad is None:
                return RunReport(usage, weights=body, output=output)
            reason = f"it returned weights that are not finite, first in {bad}."
            failure = Failure(Status.NON_FINITE, reason)
        elif kind == FAILURE:
            failure = _read_failure(body)
        else:
            failure = _no_result(exit_code, len(content), self._spec.n_bytes + 1)
        return RunReport(usage, failure=failure, output=output)


def _stopped(
    request: Request, used: dict[str, Any], outlasted: float
) -> Failure | None:
    """Say why a run was stopped, if it was; by the clock after `outlasted` seconds."""
    if used["timed_out"]:
        seconds = f"{request.limit.cpu_seconds:.0f} CPU seconds"
    elif outlasted:
        seconds = f"{outlasted:.0f} s"
    elif used["out_of_memory"]:
        gib = (request.memory_bytes or 0) / (1 << 30)
        reason = f"it was stopped when its processes held more than {gib:.3g} GiB."
        return Failure(Status.OUT_OF_MEMORY, reason)
    elif too_many := used["too_many"]:
        reason = f"it was stopped when it held more {too_many} than a run may."
        return Failure(Status.OUT_OF_MEMORY, reason)
    else:
        return None
    reason = f"it was stopped after {seconds}, far past its budget."
    return Failure(Status.TIMEOUT, reason)


def _read_failure(body: bytes) -> Failure:
    """Read a failure; it comes from the run, so nothing in it is taken on trust."""
    fallback = Failure(Status.ERROR, "it wrote something else than weights.")
    allowed = (Status.ERROR, Status.INVALID, Status.OUT_OF_MEMORY)
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        words = json.loads(body)
        status = Status(words["status"])
        reason = escape_controls(str(words["reason"]))[:1000].replace("\n", " ")
        if status in allowed and reason.strip():
            trace = escape_controls(str(words["traceback"]))[-8000:]
            return Failure(status, reason, trace)
    return fallback


def _no_result(exit_code: int, n_bytes: int, wanted: int) -> Failure:
    if exit_code == -9:
        reason = "its process was killed, most likely for want of memory."
        return Failure(Status.OUT_OF_MEMORY, reason)
    if exit_code < 0:
        return Failure(Status.ERROR, f"its process died of signal {-exit_code}.")
    if n_bytes == 0:
        reason = f"its process ended (exit code {exit_code}) without returning weights."
        return Failure(Status.ERROR, reason)
    reason = f"its process wrote {n_bytes} bytes where {wanted} were expected."
    return Failure(Status.INVALID, reason)
