"""Run a language model over the passages that it is evaluated on."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.models.outputs import SETS, ModelOutputs, kept_places
from harness.models.temperature import Calibration, fit_calibration
from harness.tasks.text.confidence import passage_confidence

_BATCH = 64
#: A model is calibrated on every eighth prediction of its test passages, which takes an
#: eighth of the time; the same ones of every model.
CALIBRATION_STRIDE = 8
#: Added to how often each token is seen there, so that one that is not seen keeps a
#: chance.
_PSEUDO_COUNT = 0.25


class TextEvaluator:
    """Measures language models in evaluation mode and float32."""

    def __init__(
        self, sets: Mapping[str, tuple[Tensor, Tensor]], device: torch.device
    ) -> None:
        self._sets = {of: tuple(t.to(device) for t in sets[of]) for of in SETS}

    @torch.inference_mode()
    def __call__(self, network: nn.Module) -> ModelOutputs:
        """Measure one network: a table of one row."""
        network.eval()
        retain = _share_right(self._logits(network, "retain"), self._sets["retain"][1])
        forget, test = (self._logits(network, of) for of in ("forget", "test"))
        forget_targets, test_targets = (self._sets[o][1] for o in ("forget", "test"))
        kept = kept_places(len(forget_targets), len(test_targets))
        calibration = _calibration(test, test_targets)
        calibrated = _calibrated_log_likelihoods(calibration, forget, forget_targets)
        return ModelOutputs(
            forget_confidence=_confidences(forget, forget_targets),
            test_confidence=_confidences(test, test_targets)[:, kept],
            calibrated_confidence=passage_confidence(calibrated)[None],
            calibration=calibration.row(),
            retain_accuracy=np.array([retain]),
            forget_accuracy=np.array([_share_right(forget, forget_targets)]),
            test_accuracy=np.array([_share_right(test, test_targets)]),
        )

    def _logits(self, network: nn.Module, of: str) -> list[Tensor]:
        """Logits ``[n, vocabulary, positions]``, a batch at a time."""
        return [network(batch) for batch in torch.split(self._sets[of][0], _BATCH)]


def _share_right(logits: list[Tensor], targets: Tensor) -> float:
    found = torch.cat([batch.argmax(1) for batch in logits])
    return float((found == targets).sum().item() / targets.numel())


def _log_likelihoods(logits: list[Tensor], targets: Tensor) -> NDArray[np.float64]:
    """Log-probability ``[n]`` of each passage, given its first token."""
    sums = []
    for batch, wanted in zip(logits, torch.split(targets, _BATCH), strict=True):
        each = batch.log_softmax(1).gather(1, wanted[:, None])[:, 0]
        sums.append(each.double().sum(1))
    return np.asarray(torch.cat(sums).cpu().numpy())


def _confidences(logits: list[Tensor], targets: Tensor) -> NDArray[np.float64]:
    return passage_confidence(_log_likelihoods(logits, targets))[None]


def _calibration(logits: list[Tensor], targets: Tensor) -> Calibration:
    """Fit a temperature and a bias for each token to predictions of the test set."""
    some = [batch[:, :, ::CALIBRATION_STRIDE] for batch in logits]
    rows = torch.cat([batch.transpose(1, 2).flatten(0, 1) for batch in some])
    labels = targets[:, ::CALIBRATION_STRIDE].flatten().cpu().numpy()
    added = _PSEUDO_COUNT * rows.shape[1]
    return fit_calibration(
        rows.cpu().numpy(), labels, smoothing=added / (added + len(labels))
    )


def _calibrated_log_likelihoods(
    calibration: Calibration, logits: list[Tensor], targets: Tensor
) -> NDArray[np.float64]:
    biases = torch.as_tensor(calibration.biases, device=targets.device)
    better = [calibration.slope * batch.double() + biases[:, None] for batch in logits]
    return _log_likelihoods(better, targets)
