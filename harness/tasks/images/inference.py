"""Run a network over the sets it is judged on."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.models.outputs import Outputs
from harness.models.weights import Array
from harness.tasks.images.normalize import normalize
from harness.tasks.images.splits import Examples, SplitData

_BATCH = 256


class EvaluationSets(NamedTuple):
    """Normalised inputs and targets of the forget, retain and test set."""

    forget: tuple[Tensor, Tensor]
    retain: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


def evaluation_sets(split: SplitData, device: torch.device) -> EvaluationSets:
    """Move the sets a model is judged on to the device."""

    def move(examples: Examples) -> tuple[Tensor, Tensor]:
        inputs = normalize(examples.images).to(device)
        return inputs, torch.as_tensor(examples.targets).to(device)

    return EvaluationSets(move(split.forget), move(split.retain), move(split.test))


def load_weights(network: nn.Module, weights: dict[str, Array]) -> None:
    """Copy arrays into a network of the same architecture."""
    state = {name: torch.from_numpy(np.array(a)) for name, a in weights.items()}
    network.load_state_dict(state)


@torch.inference_mode()
def evaluate(network: nn.Module, sets: EvaluationSets) -> Outputs:
    """Measure one model in evaluation mode and float32.

    Parameters
    ----------
    network : nn.Module
        On the device of the sets.
    sets : EvaluationSets
        What it is judged on.
    """
    network.eval()
    forget, retain, test = (_logits(network, inputs) for inputs, _ in sets)
    return Outputs(
        forget_logits=_numpy(forget),
        test_logits=_numpy(test),
        retain_accuracy=_accuracy(retain, sets.retain[1]),
        forget_accuracy=_accuracy(forget, sets.forget[1]),
        test_accuracy=_accuracy(test, sets.test[1]),
    )


def _logits(network: nn.Module, inputs: Tensor) -> Tensor:
    return torch.cat([network(batch) for batch in torch.split(inputs, _BATCH)])


def _numpy(logits: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = logits.float().cpu().numpy()
    return array


def _accuracy(logits: Tensor, targets: Tensor) -> float:
    right = (logits.argmax(1) == targets).sum().item()
    return right / len(targets)
