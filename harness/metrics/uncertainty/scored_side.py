"""One side of a comparison, scored once and compared with many others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.official.epsilon import DELTA
from harness.metrics.official.utility import Utility
from harness.metrics.uncertainty.contender import Contender
from harness.metrics.uncertainty.scoring_noise import Scoring, utility_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ScoredSide:
    """What a contender earns against a bank, with all its models and with some.

    Attributes
    ----------
    value : float
        F or the score.
    earned : ndarray of float64, shape [S]
        Points of each example times the utility; their mean is `value`.
    divisions : tuple of ndarray of float64, shape [L, 2, s]
        The same of L pairs of disjoint halves of all models and, from 8 models a side
        on, of quarters. Points are those for all N models, else a half would be scored
        by another rule; the utility is that of the same models.
    retrained : ndarray of float64, shape [M, S]
        Confidences of the bank's models.
    seed : int
        Decided the divisions; sides are comparable only with the same.
    quantity : str
        "F", or "score" where there are accuracies.
    n_models, n_fewest : int
        N, and the number of models on the smaller side.
    """

    value: float
    earned: Floats
    divisions: tuple[Floats, ...]
    retrained: Floats
    seed: int
    quantity: str
    n_models: int
    n_fewest: int

    @classmethod
    def of(cls, side: Contender, bank: Contender, *, seed: int) -> "ScoredSide":
        """Score a contender, its halves and its quarters: the costly part.

        Parameters
        ----------
        side, bank : Contender
            On the same examples; the bank with accuracies where the side has them.
        seed : int
            Of the random divisions.
        """
        pair = ConfidencePair(side.confidences, bank.confidences)
        scoring = Scoring.of(pair, np.random.default_rng(seed), DELTA)
        return cls.from_scoring(scoring, _utility(side, bank), pair.retrained, seed)

    @classmethod
    def from_scoring(
        cls,
        scoring: Scoring,
        utility: Utility | None,
        retrained: Floats,
        seed: int,
    ) -> "ScoredSide":
        """Take over a scoring that was made with ``numpy.random.default_rng(seed)``.

        Parameters
        ----------
        scoring : Scoring
        utility : Utility or None
            Of the same models; None to compare F alone.
        retrained : ndarray of float64, shape [M, S]
        seed : int
        """
        factor = 1.0 if utility is None else utility.factor
        divisions = tuple(
            part.points(scoring.n_models) * utility_of(part, utility)[:, :, None]
            for part in scoring.divisions
        )
        return cls(
            float(scoring.points.mean()) * factor,
            scoring.points * factor,
            divisions,
            retrained,
            seed,
            "F" if utility is None else "score",
            scoring.n_models,
            scoring.n_fewest,
        )

    def check(self, other: "ScoredSide") -> None:
        """Raise `UsageError` unless the two can be compared example by example."""
        ours = self.n_models, self.quantity, self.seed
        theirs = other.n_models, other.quantity, other.seed
        if ours != theirs or not np.array_equal(self.retrained, other.retrained):
            raise UsageError(
                f"A was scored with {self._terms()} and B with {other._terms()}, or "
                "against other retrained models; score both alike."
            )

    def _terms(self) -> str:
        """Say what a comparison depends on."""
        return f"N = {self.n_models}, seed {self.seed} for its {self.quantity}"


def _utility(side: Contender, bank: Contender) -> Utility | None:
    """Return the utility of the one against the other, where accuracies are known."""
    if side.retain is None or side.test is None:
        return None
    if bank.retain is None or bank.test is None:
        raise UsageError("The bank lacks the accuracies that the result has.")
    return Utility(side.retain, bank.retain, side.test, bank.test)
