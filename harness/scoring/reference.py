"""What unlearned models are held against: retrained models and the original one."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

from harness.metrics.official.epsilon import DELTA
from harness.metrics.uncertainty.ceiling import Ceilings, ceilings, floors
from harness.metrics.uncertainty.interval import IntervalOptions
from harness.models.outputs import ModelOutputs
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

    `bank` holds all retrained models, of which the first N are compared with, and
    `original` the one model that is the floor.
    """

    bank: ModelOutputs
    n_models: int
    original: ModelOutputs | None = None
    delta: float = DELTA

    @classmethod
    def of_bank(cls, bank: ReferenceBank, n_models: int, delta: float) -> Self:
        """Take the retrained models and the original of a bank."""
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
    def ceilings(self) -> Ceilings:
        """Ceilings of F and of the score."""
        options = IntervalOptions(delta=self.delta)
        return ceilings(self.bank, self.n_models, seed=SEED, options=options)

    @cached_property
    def floors(self) -> Floors:
        """F and score of the original model."""
        if self.original is None:
            return Floors(None, None)
        return Floors(*floors(self.original, self.retrained, delta=self.delta))
