"""From finished runs and a bank to the metrics of a result."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.metrics.confidence import logit_scaled_confidence
from harness.metrics.official import official_metric
from harness.metrics.utility import score as official_score
from harness.reference.bank import ReferenceBank
from harness.runner.budget import EfficiencyRatio
from harness.scoring.finished import FinishedRun
from harness.track.schema import Track

_SETS = ("retain", "test", "forget")
Floats = NDArray[np.float64]


class Measurer:
    """Computes the metrics of submissions on one track at one N.

    Parameters
    ----------
    bank : ReferenceBank
        At least `n_models` retrained models; the first `n_models` are compared with.
    track : Track
        The constants of the metric.
    n_models : int
        N.
    """

    def __init__(self, bank: ReferenceBank, track: Track, n_models: int) -> None:
        self._bank, self._track, self._n = bank, track, n_models

    @cached_property
    def _retrained(self) -> Floats:
        """Confidences ``[N, S]`` of the retrained models compared with."""
        return self._all_retrained[: self._n]

    @cached_property
    def _all_retrained(self) -> Floats:
        arrays = self._bank.arrays
        logits, targets = arrays["forget_logits"], arrays["forget_targets"]
        return logit_scaled_confidence(logits, targets)

    def measure(
        self, runs: Sequence[FinishedRun], efficiency: EfficiencyRatio
    ) -> dict[str, Any]:
        """Compute every metric of a complete set of runs."""
        unlearned = np.stack([run.forget_confidence for run in runs])
        delta = self._track.evaluation.delta
        official = official_metric(unlearned, self._retrained, delta=delta)
        accuracies = {of: self._accuracies(runs, of) for of in _SETS}
        score = official_score(
            official.forgetting_quality, *accuracies["retain"], *accuracies["test"]
        )
        return {
            "score": {"value": score, "direction": "higher", "floor": self._floor[1]},
            "forgetting_quality": {
                "value": official.forgetting_quality,
                "direction": "higher",
                "floor": self._floor[0],
            },
            **{f"{of}_accuracy": self._accuracy(of, *accuracies[of]) for of in _SETS},
            "epsilon": {
                "value": float(np.median(official.epsilon)),
                "direction": "lower",
                "undetermined": int(official.undetermined.sum()),
                "peaky": int(official.peaky.sum()),
            },
            **self.cost_only(efficiency),
        }

    def cost_only(self, efficiency: EfficiencyRatio) -> dict[str, Any]:
        """Report the cost alone, of a submission that was stopped early."""
        return {"efficiency": asdict(efficiency)}

    @cached_property
    def _floor(self) -> tuple[float, float]:
        """F and score of the original model itself, N times over."""
        outputs = self._bank.original.outputs
        targets = self._bank.arrays["forget_targets"]
        confidence = logit_scaled_confidence(outputs.forget_logits, targets)
        unlearned = np.tile(confidence, (self._n, 1))
        official = official_metric(unlearned, self._retrained)
        score = official_score(
            official.forgetting_quality,
            outputs.retain_accuracy,
            self._bank.accuracy("retain")[: self._n],
            outputs.test_accuracy,
            self._bank.accuracy("test")[: self._n],
        )
        return official.forgetting_quality, score

    def _accuracy(
        self, of: str, unlearned: Floats, retrained: Floats
    ) -> dict[str, Any]:
        value, theirs = float(unlearned.mean()), float(retrained.mean())
        return {
            "value": value,
            "direction": "nearest to the ceiling is best"
            if of == "forget"
            else "higher",
            "ratio": value / theirs,
            "ceiling": theirs,
            "floor": float(getattr(self._bank.original.outputs, f"{of}_accuracy")),
        }

    def _accuracies(
        self, runs: Sequence[FinishedRun], of: str
    ) -> tuple[Floats, Floats]:
        """Accuracies ``[N]`` of the unlearned and of the retrained models."""
        unlearned = np.array([getattr(run, f"{of}_accuracy") for run in runs])
        return unlearned, self._bank.accuracy(of)[: self._n]
