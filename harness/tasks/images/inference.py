"""Run a network over the sets that it is evaluated on."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from harness.models.confidence import logit_scaled_confidence
from harness.models.outputs import SETS, ModelOutputs

_BATCH = 256


class ImageEvaluator:
    """Measures classifiers in evaluation mode and float32."""

    def __init__(
        self, sets: Mapping[str, tuple[Tensor, Tensor]], device: torch.device
    ) -> None:
        self._sets = {of: tuple(t.to(device) for t in sets[of]) for of in SETS}

    @torch.inference_mode()
    def __call__(self, network: nn.Module) -> ModelOutputs:
        """Measure one network: a table of one row."""
        network.eval()
        logits = {of: _logits(network, self._sets[of][0]) for of in SETS}
        shares = {of: _accuracy(logits[of], self._sets[of][1]) for of in SETS}
        return ModelOutputs(
            forget_confidence=self._confidences("forget", logits["forget"]),
            test_confidence=self._confidences("test", logits["test"]),
            retain_accuracy=np.array([shares["retain"]]),
            forget_accuracy=np.array([shares["forget"]]),
            test_accuracy=np.array([shares["test"]]),
        )

    def _confidences(self, of: str, logits: Tensor) -> np.ndarray:
        targets = self._sets[of][1].cpu().numpy()
        return logit_scaled_confidence(logits.float().cpu().numpy()[None], targets)


def _logits(network: nn.Module, inputs: Tensor) -> Tensor:
    return torch.cat([network(batch) for batch in torch.split(inputs, _BATCH)])


def _accuracy(logits: Tensor, targets: Tensor) -> float:
    right = (logits.argmax(1) == targets).sum().item()
    return right / len(targets)
