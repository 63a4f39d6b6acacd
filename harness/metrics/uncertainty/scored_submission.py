"""A submission, scored once and compared with many others."""

from dataclasses import dataclass

import numpy as np

from harness.errors import UsageError
from harness.metrics.inputs.confidence import forget_pair
from harness.metrics.official.epsilon import DELTA
from harness.metrics.official.utility import Utility
from harness.metrics.uncertainty.scoring_noise import LEAST_HALVED, Scoring, utility_of
from harness.models.outputs import Floats, ModelOutputs


@dataclass(frozen=True)
class ScoredSubmission:
    """What a submission earns against a bank, with all its models and with some.

    `value` is F, or the score where there are accuracies, as `quantity` says, and the
    mean of what each example has `earned` ``[S]``: points times the utility.
    `divisions` hold the same ``[L, 2, s]`` of L pairs of disjoint halves of all models
    and, from 8 models a side on, of quarters. Points are those for all N models, else a
    half would be scored by another rule; the utility is that of the same models.
    Submissions are comparable only with the same `seed`, which decided the divisions,
    and the same `retrained` ``[M, S]``. `n_fewest` is the smaller of N and M.
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
    def of(
        cls, unlearned: ModelOutputs, retrained: ModelOutputs, *, seed: int
    ) -> "ScoredSubmission":
        """Score a submission, its halves and its quarters: the costly part.

        The score is compared where `unlearned` has accuracies, else F.
        """
        fewest = min(len(unlearned), len(retrained))
        if fewest < LEAST_HALVED:
            raise UsageError(
                f"There are {fewest} models; a comparison needs N ≥ {LEAST_HALVED}, so "
                "that half of them still have a spread."
            )
        if unlearned.has_accuracies and not retrained.has_accuracies:
            raise UsageError("The bank lacks the accuracies that the results have.")
        pair = forget_pair(unlearned, retrained)
        scoring = Scoring.of(pair, np.random.default_rng(seed), DELTA)
        utility = Utility.between(unlearned, retrained)
        return cls.from_scoring(scoring, utility, pair.retrained, seed)

    @classmethod
    def from_scoring(
        cls, scoring: Scoring, utility: Utility | None, retrained: Floats, seed: int
    ) -> "ScoredSubmission":
        """Take over a scoring that was made with ``numpy.random.default_rng(seed)``."""
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

    def check(self, other: "ScoredSubmission") -> None:
        """Raise `UsageError` unless the two can be compared example by example."""
        ours = self.n_models, self.quantity, self.seed
        theirs = other.n_models, other.quantity, other.seed
        if ours != theirs or not np.array_equal(self.retrained, other.retrained):
            raise UsageError(
                f"A was scored with {self._conditions()} and B with "
                f"{other._conditions()}, or against other retrained models; score both "
                "alike."
            )

    def _conditions(self) -> str:
        return f"N = {self.n_models}, seed {self.seed} for its {self.quantity}"
