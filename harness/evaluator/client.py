"""The harness's side of an evaluator."""

from collections.abc import Mapping
from pathlib import Path

from safetensors.numpy import load

from harness.models.outputs import ModelOutputs, NonFiniteOutputs
from harness.models.weights import Array
from harness.processes import WorkerDied, WorkerProcess
from harness.processes.channel import ChannelClosed, receive_bytes, send_bytes
from harness.run.inputs import sets_named, write_inputs
from harness.tasks.base import Sets, Task
from harness.tasks.sample import measured_sets

#: What models are evaluated on; a run sees no test set.
EVALUATED_SETS = ("retain", "forget", "test")
#: First byte of an answer: outputs, or that they are not finite.
OUTPUTS, NON_FINITE = b"O", b"N"
_START_SECONDS = 600.0
#: An evaluation is given up at so many times what one took when the process started,
#: and never before `_GRACE_SECONDS`.
_PATIENCE, _GRACE_SECONDS = 20.0, 120.0


def write_evaluator_inputs(
    folder: Path, task: Task, device: str, original: Mapping[str, Array], sets: Sets
) -> None:
    """Write what an evaluator needs into a folder."""
    given = sets_named(measured_sets(sets, task.track.data), EVALUATED_SETS)
    write_inputs(folder, task, device, [original], given)


class EvaluatorProcess:
    """Measures weights in a process of its own, with its own time limit.

    `gpu` is the one that it may use, as CUDA_VISIBLE_DEVICES names it.
    """

    def __init__(self, folder: Path, *, gpu: str | None = None) -> None:
        self._folder, self._gpu = folder, gpu
        self._started = self._closed = False
        self._worker = self._start()

    def evaluate(self, blob: bytes) -> ModelOutputs:
        """Measure one model, given its weights as `WeightSpec.pack` writes them.

        An evaluator that fails or outlasts its limit is our failure: `WorkerDied`.
        """
        sock = self._worker.socket
        try:
            self._hear()
            send_bytes(sock, blob)
            answer = receive_bytes(sock)
        except ChannelClosed:
            raise self._worker.died("the evaluator") from None
        except TimeoutError:
            raise WorkerDied("the evaluator outlasted its time limit") from None
        if answer[:1] == NON_FINITE:
            raise NonFiniteOutputs("its network's outputs are not finite numbers.")
        return ModelOutputs(**load(answer[1:]))

    def await_ready(self) -> None:
        """Wait until the process computes nothing but what it is asked for."""
        try:
            self._hear()
        except ChannelClosed:
            raise self._worker.died("the evaluator") from None
        except TimeoutError:
            raise WorkerDied("the evaluator outlasted its time limit") from None

    def _hear(self) -> None:
        """Hear once that the process has started, and what an evaluation takes it."""
        if self._started:
            return
        sock = self._worker.socket
        sock.settimeout(_START_SECONDS)
        usual = float(receive_bytes(sock))
        sock.settimeout(max(_GRACE_SECONDS, _PATIENCE * usual))
        self._started = True

    def restart(self) -> None:
        """Replace a process that failed by a fresh one, unless this is closed."""
        self._worker.kill()
        if not self._closed:
            self._worker = self._start()
        if self._closed:
            self._worker.kill()
            raise WorkerDied("the evaluator was ended")

    def close(self) -> None:
        """End the process; no other takes its place."""
        self._closed = True
        self._worker.kill()

    def _start(self) -> WorkerProcess:
        self._started = False
        words = [str(self._folder)]
        return WorkerProcess("harness.evaluator.worker", words, gpu=self._gpu)
