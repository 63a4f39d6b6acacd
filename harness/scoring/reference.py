"""What unlearned models are held against: retrained models and the original ones."""

import statistics
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

from harness.metrics.official.epsilon import DELTA
from harness.metrics.uncertainty.ceiling import Ceiling, Ceilings, ceilings, floors
from harness.metrics.uncertainty.interval import IntervalOptions
from harness.models.outputs import ModelOutputs
from harness.reference.bank import ReferenceBank

#: Decides halves and splits of the models: the same arrays give the same numbers.
SEED = 2023


class Floors(NamedTuple):
    """F and score of the original models; None where they are not known."""

    forgetting_quality: float | None
    score: float | None


@dataclass(frozen=True, eq=False)
class Reference:
    """Everything of a measurement that does not depend on the submission.

    `bank` holds all retrained models, of which the first N are compared with, and
    `original` the models that are the floor.
    """

    bank: ModelOutputs
    n_models: int
    original: ModelOutputs | None = None
    delta: float = DELTA

    @classmethod
    def of_bank(cls, bank: ReferenceBank, n_models: int, delta: float) -> Self:
        """Take the retrained models and the originals of a bank."""
        return cls(bank.retrained, n_models, bank.original, delta)

    @cached_property
    def retrained(self) -> ModelOutputs:
        """The N models that are compared with."""
        return self.bank.first(self.n_models)

    @cached_property
    def held_out(self) -> ModelOutputs | None:
        """Retrained models that are not compared with, if there are any."""
        if len(self.bank) <= self.n_models:
            return None
        return self.bank.take(slice(self.n_models, None))

    @cached_property
    def calibrated(self) -> "Reference | None":
        """The same of calibrated confidences; None where the bank has none."""
        bank, original = self.bank.calibrated(), self.original
        if bank is None:
            return None
        original = None if original is None else original.calibrated()
        return Reference(bank, self.n_models, original, self.delta)

    @cached_property
    def ceilings(self) -> Ceilings:
        """Ceilings of F and of the score."""
        options = IntervalOptions(delta=self.delta)
        return ceilings(self.bank, self.n_models, seed=SEED, options=options)

    @cached_property
    def kept_when_calibrated(self) -> float:
        """Share of F that retraining itself keeps when it is calibrated; 1 at most."""
        if self.calibrated is None:
            return 1.0
        found = [each.ceilings.forgetting_quality for each in (self, self.calibrated)]
        values = [top.value for top in found if isinstance(top, Ceiling)]
        if len(values) < len(found) or values[0] <= 0.0:
            return 1.0
        return min(values[1] / values[0], 1.0)

    @cached_property
    def floors(self) -> Floors:
        """F and score of the original models, in the mean over them."""
        if self.original is None:
            return Floors(None, None)
        each = (self.original.take([k]) for k in range(len(self.original)))
        found = [floors(one, self.retrained, delta=self.delta) for one in each]
        scores = [score for _, score in found if score is not None]
        score = statistics.fmean(scores) if scores else None
        return Floors(statistics.fmean(quality for quality, _ in found), score)
