"""Run a language model over the passages that it is evaluated on."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from harness.models.outputs import SETS, Floats, ModelOutputs, kept_places
from harness.models.temperature import Calibration, fit_calibration
from harness.tasks.text.confidence import passage_confidence

_BATCH = 64
#: Share of a passage's tokens that Min-K% takes, the least likely ones, as MUSE does.
MIN_K = 0.4
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
        of_forget = _log_likelihoods(forget, forget_targets)
        of_test = _log_likelihoods(test, test_targets)[kept]
        calibration = _calibration(test, test_targets)
        calibrated = _log_likelihoods(_apply(calibration, forget), forget_targets)
        return ModelOutputs(
            forget_confidence=_confidences(of_forget),
            test_confidence=_confidences(of_test),
            calibrated_confidence=_confidences(calibrated),
            calibration=calibration.row(),
            forget_min_k=_min_k(of_forget),
            test_min_k=_min_k(of_test),
            extracted_tokens=_extracted(forget, forget_targets),
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


def _log_likelihoods(logits: list[Tensor], targets: Tensor) -> Floats:
    """Log-probability ``[n, positions]`` of each token, given those before it."""
    batches = zip(logits, torch.split(targets, _BATCH), strict=True)
    each = [batch.log_softmax(1).gather(1, t[:, None])[:, 0] for batch, t in batches]
    return np.asarray(torch.cat(each).double().cpu().numpy())


def _confidences(log_likelihoods: Floats) -> Floats:
    return passage_confidence(log_likelihoods.sum(axis=1))[None]


def _min_k(log_likelihoods: Floats) -> Floats:
    """Mean log-probability ``[1, n]`` of the least likely tokens of each passage.

    Shi et al., "Detecting pretraining data from large language models" (2024).
    """
    n_least = max(1, int(MIN_K * log_likelihoods.shape[1]))
    least = np.sort(log_likelihoods, axis=1)[:, :n_least]
    return np.asarray(least.mean(axis=1))[None]


def _extracted(logits: list[Tensor], targets: Tensor) -> Floats:
    """Count the tokens ``[1, n]`` that greedy decoding gets right before an error.

    As long as all were right, what was decoded is the passage itself, so that one pass
    over it says what decoding would have given.
    """
    right = torch.cat([batch.argmax(1) for batch in logits]) == targets
    second_half = right[:, targets.shape[1] // 2 :]
    return np.asarray(second_half.long().cumprod(1).sum(1).cpu().numpy())[None] * 1.0


def _calibration(logits: list[Tensor], targets: Tensor) -> Calibration:
    """Fit a temperature and a bias for each token to predictions of the test set."""
    some = [batch[:, :, ::CALIBRATION_STRIDE] for batch in logits]
    rows = torch.cat([batch.transpose(1, 2).flatten(0, 1) for batch in some])
    labels = targets[:, ::CALIBRATION_STRIDE].flatten().cpu().numpy()
    added = _PSEUDO_COUNT * rows.shape[1]
    return fit_calibration(
        rows.cpu().numpy(), labels, smoothing=added / (added + len(labels))
    )


def _apply(calibration: Calibration, logits: list[Tensor]) -> list[Tensor]:
    biases = torch.as_tensor(calibration.biases, device=logits[0].device)[:, None]
    return [calibration.slope * batch.double() + biases for batch in logits]
