"""The evaluator's process: bytes of weights in, outputs out."""

import socket
import time
from pathlib import Path

import torch
from safetensors.numpy import save
from torch import nn

from harness.evaluator.client import NON_FINITE, OUTPUTS
from harness.models.gpu import ask_for_same_bits
from harness.models.outputs import NonFiniteOutputs
from harness.models.weights import WeightSpec, load_weights
from harness.processes import worker_main
from harness.processes.channel import receive_bytes, send_bytes
from harness.run.inputs import read_inputs
from harness.tasks.base import Evaluator


def main(fd: int, args: list[str]) -> None:
    """Serve evaluations until the parent has gone; the argument is what it wrote."""
    torch.set_num_threads(1)
    # Denormal weights would slow the arithmetic a hundredfold.
    torch.set_flush_denormal(True)
    inputs = read_inputs(Path(args[0]))
    device = torch.device(inputs.device)
    if device.type == "cuda":
        ask_for_same_bits()
    network = inputs.task.network(seed=0).to(device)
    (original,) = inputs.originals
    spec = WeightSpec.of(original)
    evaluate = inputs.task.evaluator(inputs.sets, device)

    def serve(sock: socket.socket) -> None:
        load_weights(network, original)
        start = time.monotonic()
        evaluate(network)
        send_bytes(sock, repr(time.monotonic() - start).encode())
        while True:
            load_weights(network, spec.unpack(receive_bytes(sock)))
            send_bytes(sock, _answer(evaluate, network))

    worker_main(fd, serve)


def _answer(evaluate: Evaluator, network: nn.Module) -> bytes:
    try:
        outputs = evaluate(network)
    except NonFiniteOutputs:
        return NON_FINITE
    # What a task does not measure is left out.
    return OUTPUTS + save({n: a for n, a in vars(outputs).items() if a is not None})
