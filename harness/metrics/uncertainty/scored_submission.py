"""A submission, scored once and compared with many others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.errors import UsageError
from harness.metrics.inputs.confidence import forget_pair
from harness.metrics.official.epsilon import DELTA
from harness.metrics.official.utility import Utility
from harness.metrics.uncertainty.scoring_noise import LEAST_HALVED, Scoring
from harness.models.outputs import Floats, ModelOutputs


@dataclass(frozen=True)
class ScoredSubmission:
    """What a submission earns against a bank, with all its models and with some.

    `value` is F, or the score where there are accuracies, as `quantity` says, and the
    mean of what each example has `earned` ``[K, S]`` with the N models of each of K
    originals: points times the utility. `divisions` hold the same ``[K, L, 2, s]`` of L
    pairs of disjoint halves of these and, from 8 models a side on, of quarters. Points
    are those for all N models, else a half would be scored by another rule; the utility
    is that of the same models. Submissions are comparable only with the same `seed`,
    which decided the divisions, and the same `retrained` ``[M, S]``. `n_fewest` is the
    smaller of N and M, and `outliers` says that there are outlier runs.
    """

    value: float
    earned: Floats
    divisions: tuple[Floats, ...]
    retrained: Floats
    seed: int
    quantity: str
    n_models: int
    n_fewest: int
    outliers: bool

    @classmethod
    def of(
        cls, unlearned: ModelOutputs, retrained: ModelOutputs, *, seed: int
    ) -> "ScoredSubmission":
        """Score a submission, its halves and its quarters: the costly part.

        The score is compared where `unlearned` has accuracies, else F.
        """
        fewest = min(*map(len, unlearned.of_each_original()), len(retrained))
        if fewest < LEAST_HALVED:
            raise UsageError(
                f"There are {fewest} models; a comparison needs N ≥ {LEAST_HALVED}, so "
                "that half of them still have a spread."
            )
        if unlearned.has_accuracies and not retrained.has_accuracies:
            raise UsageError("The bank lacks the accuracies that the results have.")
        groups = unlearned.of_each_original()
        parts = [cls._of_one(each, retrained, seed, len(groups)) for each in groups]
        return cls.over_originals(parts)

    @classmethod
    def _of_one(
        cls, unlearned: ModelOutputs, retrained: ModelOutputs, seed: int, originals: int
    ) -> "ScoredSubmission":
        pair = forget_pair(unlearned, retrained)
        scoring = Scoring.of(
            pair, np.random.default_rng(seed), DELTA, originals=originals
        )
        utility = Utility.between(unlearned, retrained)
        return cls.from_scoring(scoring, utility, pair.retrained, seed)

    @classmethod
    def from_scoring(
        cls, scoring: Scoring, utility: Utility | None, retrained: Floats, seed: int
    ) -> "ScoredSubmission":
        """Take over a scoring that was made with ``numpy.random.default_rng(seed)``."""
        factor = 1.0 if utility is None else utility.factor
        earned, divisions = scoring.earned(utility)
        return cls(
            float(scoring.points.mean()) * factor,
            earned[None],
            tuple(each[None] for each in divisions),
            retrained,
            seed,
            "F" if utility is None else "score",
            scoring.n_models,
            scoring.n_fewest,
            scoring.outliers,
        )

    @classmethod
    def over_originals(cls, parts: Sequence["ScoredSubmission"]) -> "ScoredSubmission":
        """Put together what runs of each original earn, scored alike."""
        first = parts[0]
        if len(parts) == 1:
            return first
        for part in parts[1:]:
            first.check(part)
        divisions = zip(*(part.divisions for part in parts), strict=True)
        return replace(
            first,
            value=float(np.mean([part.value for part in parts])),
            earned=np.concatenate([part.earned for part in parts]),
            divisions=tuple(np.concatenate(each) for each in divisions),
            outliers=any(part.outliers for part in parts),
        )

    def check(self, other: "ScoredSubmission") -> None:
        """Raise `UsageError` unless the two can be compared example by example."""
        ours = self.n_models, self.quantity, self.seed, len(self.earned)
        theirs = other.n_models, other.quantity, other.seed, len(other.earned)
        if ours != theirs or not np.array_equal(self.retrained, other.retrained):
            raise UsageError(
                f"A was scored with {self._conditions()} and B with "
                f"{other._conditions()}, or against other retrained models; score both "
                "alike."
            )

    def _conditions(self) -> str:
        originals = f" on {len(self.earned)} originals" if len(self.earned) > 1 else ""
        conditions = f"N = {self.n_models}{originals}, seed {self.seed}"
        return f"{conditions} for its {self.quantity}"
