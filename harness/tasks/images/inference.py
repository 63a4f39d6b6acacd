"""Run a network over the sets that it is evaluated on."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.models.confidence import logit_scaled_confidence
from harness.models.outputs import SETS, ModelOutputs, kept_places
from harness.models.temperature import fit_calibration

_BATCH = 256


class ImageEvaluator:
    """Measures classifiers in evaluation mode and float32, on transformed inputs."""

    def __init__(
        self,
        sets: Mapping[str, tuple[Tensor, Tensor]],
        device: torch.device,
        transform: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self._transform = transform or nn.Identity()
        self._sets = {of: tuple(t.to(device) for t in sets[of]) for of in SETS}
        self._targets = {of: sets[of][1].cpu().numpy() for of in SETS}
        n_forget, n_test = (len(self._targets[of]) for of in ("forget", "test"))
        self._kept_test = kept_places(n_forget, n_test)

    @torch.inference_mode()
    def __call__(self, network: nn.Module) -> ModelOutputs:
        """Measure one network: a table of one row."""
        network.eval()
        logits = {of: self._logits(network, self._sets[of][0]) for of in SETS}
        shares = {of: _accuracy(logits[of], self._sets[of][1]) for of in SETS}
        forget, test = (logits[of].float().cpu().numpy() for of in ("forget", "test"))
        calibration = fit_calibration(test, self._targets["test"])
        return ModelOutputs(
            forget_confidence=self._confidences("forget", forget),
            test_confidence=self._confidences("test", test)[:, self._kept_test],
            calibrated_confidence=self._confidences(
                "forget", calibration.apply(forget)
            ),
            calibration=calibration.row(),
            retain_accuracy=np.array([shares["retain"]]),
            forget_accuracy=np.array([shares["forget"]]),
            test_accuracy=np.array([shares["test"]]),
        )

    def _logits(self, network: nn.Module, inputs: Tensor) -> Tensor:
        batches = torch.split(inputs, _BATCH)
        return torch.cat([network(self._transform(batch)) for batch in batches])

    def _confidences(self, of: str, logits: NDArray[Any]) -> NDArray[np.float64]:
        return logit_scaled_confidence(logits[None], self._targets[of])


def _accuracy(logits: Tensor, targets: Tensor) -> float:
    right = (logits.argmax(1) == targets).sum().item()
    return right / len(targets)
