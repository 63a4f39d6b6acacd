"""What unlearned models are held against: retrained models and the original one."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from harness.metrics.inputs.confidence import logit_scaled_confidence
from harness.metrics.literature.accuracy_gaps import Accuracies
from harness.metrics.official.epsilon import DELTA
from harness.metrics.official.utility import score as official_score
from harness.metrics.uncertainty.ceiling import Ceilings, ceilings, floor
from harness.metrics.uncertainty.interval import IntervalOptions
from harness.models.outputs import Floats, ModelOutputs
from harness.reference.bank import ReferenceBank

#: Decides halves and splits of the models: the same arrays give the same numbers.
SEED = 2023


class Floors(NamedTuple):
    """F and score of the original model, N times over; None where it is not known."""

    forgetting_quality: float | None
    score: float | None


@dataclass(frozen=True, eq=False)
class Reference:
    """Everything of a measurement that does not depend on the submission.

    Attributes
    ----------
    bank : ModelOutputs
        All retrained models; the first N are compared with.
    n_models : int
        N.
    original : ModelOutputs or None
        The original model, N = 1: the floor.
    delta : float
        The δ of (ε, δ)-unlearning.
    """

    bank: ModelOutputs
    n_models: int
    original: ModelOutputs | None = None
    delta: float = DELTA

    @classmethod
    def of_bank(cls, bank: ReferenceBank, n_models: int, delta: float) -> Self:
        """Take the retrained models and the original of a bank."""
        original = bank_outputs(bank, "original_")
        return cls(bank_outputs(bank), n_models, original, delta)

    @cached_property
    def retrained(self) -> ModelOutputs:
        """The N models that are compared with."""
        return self.bank.first(self.n_models)

    @property
    def held_out(self) -> Floats | None:
        """Confidences of retrained models that are not compared with, if any."""
        rest = self.bank.forget_confidence[self.n_models :]
        return rest if len(rest) else None

    @cached_property
    def ceilings(self) -> Ceilings:
        """Ceilings of F and of the score."""
        return ceilings(
            self.bank.forget_confidence,
            self.n_models,
            accuracies_of(self.bank),
            seed=SEED,
            options=IntervalOptions(delta=self.delta),
        )

    @cached_property
    def floors(self) -> Floors:
        """F and score of the original model."""
        original, retrained = self.original, self.retrained
        if original is None:
            return Floors(None, None)
        quality = floor(
            original.forget_confidence[0], retrained.forget_confidence, delta=self.delta
        )
        if not (original.has_accuracies and retrained.has_accuracies):
            return Floors(quality, None)
        pairs = [
            models.accuracy(of)
            for of in ("retain", "test")
            for models in (original, retrained)
        ]
        return Floors(quality, official_score(quality, *pairs))


def accuracies_of(models: ModelOutputs) -> Accuracies | None:
    """Lay out accuracies as the metrics take them; None where they are not known."""
    if not models.has_accuracies:
        return None
    return Accuracies(*(models.accuracy(of) for of in ("forget", "retain", "test")))


def bank_outputs(bank: ReferenceBank, prefix: str = "") -> ModelOutputs:
    """Lay out all retrained models of a bank, or with ``"original_"`` the original."""
    arrays = bank.arrays
    test = arrays[f"{prefix}test_logits"].astype(np.float32)
    return ModelOutputs(
        forget_confidence=logit_scaled_confidence(
            arrays[f"{prefix}forget_logits"], arrays["forget_targets"]
        ),
        test_confidence=logit_scaled_confidence(test, arrays["test_targets"]),
        **{
            f"{of}_accuracy": arrays[f"{prefix}{of}_accuracy"].astype(np.float64)
            for of in ("forget", "retain", "test")
        },
    )
