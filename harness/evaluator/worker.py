"""The evaluator's process: bytes of weights in, outputs out."""

import socket
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save

from harness.models.outputs import Outputs
from harness.models.weights import WeightSpec
from harness.processes import worker_main
from harness.processes.channel import receive_bytes, send_bytes
from harness.tasks.images.inference import evaluate, evaluation_sets, load_weights
from harness.tasks.images.networks import build_network
from harness.tasks.images.splits import Examples, SplitData
from harness.track.schema import NetworkSpec


def main(fd: int, args: list[str]) -> None:
    """Serve evaluations until the parent has gone.

    Parameters
    ----------
    fd : int
        Socket to the parent.
    args : list of str
        Network name, device, and the folder that `harness.evaluator.client` wrote.
    """
    network_name, device_name, folder = args
    torch.set_num_threads(1)
    # Denormal weights would slow the arithmetic a hundredfold.
    torch.set_flush_denormal(True)
    device = torch.device(device_name)
    network = build_network(NetworkSpec(name=network_name), seed=0).to(device)
    spec = WeightSpec.from_json((Path(folder) / "weights.json").read_text())
    sets = evaluation_sets(_read_split(Path(folder) / "sets.safetensors"), device)

    def serve(sock: socket.socket) -> None:
        send_bytes(sock, b"ready")
        while True:
            load_weights(network, spec.unpack(receive_bytes(sock)))
            send_bytes(sock, _packed(evaluate(network, sets)))

    worker_main(fd, serve)


def _read_split(path: Path) -> SplitData:
    arrays = load_file(path)
    sets = {
        name: Examples(arrays[f"{name}_images"], arrays[f"{name}_targets"])
        for name in ("forget", "retain", "test")
    }
    return SplitData(validation=sets["test"], **sets)


def _packed(outputs: Outputs) -> bytes:
    accuracies = np.array(
        [outputs.retain_accuracy, outputs.forget_accuracy, outputs.test_accuracy]
    )
    logits = {"forget": outputs.forget_logits, "test": outputs.test_logits}
    return save({**logits, "accuracies": accuracies})
