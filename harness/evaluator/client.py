"""The harness's side of an evaluator."""

from pathlib import Path

import numpy as np
from safetensors.numpy import load, load_file, save

from harness.metrics.inputs.confidence import logit_scaled_confidence
from harness.models.outputs import ModelOutputs, NonFiniteOutputs
from harness.models.weights import WeightSpec
from harness.processes import WorkerDied, WorkerProcess
from harness.processes.channel import ChannelClosed, receive_bytes, send_bytes
from harness.tasks.base import Sets, Task
from harness.track.schema import Track

_START_SECONDS = 120.0
_EVALUATION_SECONDS = 120.0


def write_evaluator_inputs(
    folder: Path, task: Task, sets: Sets, spec: WeightSpec
) -> None:
    """Write what an evaluator needs into a folder."""
    arrays = {}
    for name in ("forget", "retain", "test"):
        examples = getattr(sets, name)
        arrays[f"{name}_images"] = examples.inputs
        arrays[f"{name}_targets"] = examples.targets
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sets.safetensors").write_bytes(save(arrays))
    (folder / "weights.json").write_text(spec.to_json())


class Evaluator:
    """Measures weights in a process of its own, with its own time limit.

    Parameters
    ----------
    track : Track
        Architecture of the weights.
    device : str
        ``"cpu"`` or ``"cuda"``.
    folder : Path
        What `write_evaluator_inputs` wrote.
    """

    def __init__(self, track: Track, device: str, folder: Path) -> None:
        self._args = [track.network.name, device, str(folder)]
        self._sets = load_file(folder / "sets.safetensors")
        self._started = self._closed = False
        self._worker = self._start()

    def evaluate(self, blob: bytes) -> ModelOutputs:
        """Measure one model.

        Parameters
        ----------
        blob : bytes
            Checked weights, as `WeightSpec.pack` writes them.

        Raises
        ------
        WorkerDied
            If the evaluator fails or outlasts its limit: our failure.
        """
        sock = self._worker.socket
        try:
            if not self._started:
                sock.settimeout(_START_SECONDS)
                receive_bytes(sock)
                sock.settimeout(_EVALUATION_SECONDS)
                self._started = True
            send_bytes(sock, blob)
            arrays = load(receive_bytes(sock))
        except ChannelClosed:
            raise self._worker.died("the evaluator") from None
        except TimeoutError:
            raise WorkerDied("the evaluator outlasted its time limit") from None
        if not all(np.isfinite(arrays[name]).all() for name in ("forget", "test")):
            raise NonFiniteOutputs("its outputs are not finite numbers")
        retain, forget, test = (a[None] for a in arrays["accuracies"])
        confidence = {
            f"{name}_confidence": logit_scaled_confidence(
                arrays[name], self._sets[f"{name}_targets"]
            )[None]
            for name in ("forget", "test")
        }
        return ModelOutputs(
            **confidence,
            retain_accuracy=retain,
            forget_accuracy=forget,
            test_accuracy=test,
        )

    def restart(self) -> None:
        """Replace a process that failed by a fresh one, unless this is closed.

        Raises
        ------
        WorkerDied
            If this is closed.
        """
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
        return WorkerProcess("harness.evaluator.worker", self._args)
