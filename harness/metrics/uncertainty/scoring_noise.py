"""A scoring with small repetitions of itself, and the noise that they show.

Two disjoint halves of the models *are* two independent scorings of half the size,
whatever the distribution, and disjoint quarters are two of a quarter;
`harness.metrics.uncertainty.official_interval` says why there is no bootstrap.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.official.epsilon import epsilon
from harness.metrics.official.quality import points
from harness.metrics.official.utility import Utility
from harness.metrics.uncertainty.outlier_runs import has_outlier_runs
from harness.metrics.uncertainty.quality_replicates import (
    Division,
    Replicates,
    replicate,
)
from harness.metrics.uncertainty.quality_variance import (
    NoiseParts,
    extrapolate,
    noise_parts,
    spread_of,
    widened,
)
from harness.models.outputs import Floats

LEAST_HALVED = 4
"""Fewest models a side of which a half still has a spread."""
LEAST_QUARTERED = 8
"""The same for a quarter."""
MOST_EXAMPLES = 1000
"""Enough to see the noise; F itself is always that of all examples."""
FEWEST_EXAMPLES = 250
"""Of each original where there are several, which all show the same noise."""
HALVINGS, QUARTERINGS = 32, 12
"""Random divisions.  More of them do not help: the models themselves are few."""
FEWEST_HALVINGS, FEWEST_QUARTERINGS = 12, 5
"""The same of each original where there are several."""


@dataclass(frozen=True)
class Scoring:
    """A scoring with its small repetitions: all that an interval is made of.

    Scorings of equally many models and examples with the same seed divide both sides
    alike, so that their repetitions can be compared one by one. `points` ``[S]`` are of
    all models and examples; `divisions`, in halves and, from `LEAST_QUARTERED` models a
    side, in quarters, look at the examples `seen`: all, or `MOST_EXAMPLES` at random.
    There are `n_models` unlearned models, `n_fewest` on the smaller side; with
    `outliers` some of them lie far outside the cloud of the others. `untouched` says
    that all unlearned models answer alike on every example, and no retrained ones do:
    one peak, told apart at sight, so that F is 0 whatever else is drawn.
    """

    points: Floats
    seen: NDArray[np.intp]
    divisions: tuple[Replicates, ...]
    n_models: int
    n_fewest: int
    outliers: bool
    untouched: bool

    @classmethod
    def of(
        cls,
        pair: ConfidencePair,
        rng: np.random.Generator,
        delta: float,
        *,
        same_retrained: bool = False,
        originals: int = 1,
    ) -> "Scoring":
        """Score a pair of models, its halves and its quarters, divided at random.

        With `same_retrained` repetitions meet the same retrained models, so that the
        noise is that of the unlearned ones alone. Of one of several `originals` there
        are fewer divisions, of fewer examples.
        """
        n_models, n_examples = pair.unlearned.shape
        seen = np.arange(n_examples)
        enough = max(MOST_EXAMPLES // originals, min(MOST_EXAMPLES, FEWEST_EXAMPLES))
        if n_examples > enough:
            seen = rng.choice(n_examples, enough, replace=False)
        some = pair.examples(seen)
        halvings = max(HALVINGS // originals, FEWEST_HALVINGS)
        quarterings = max(QUARTERINGS // originals, FEWEST_QUARTERINGS)
        divisions = [Division(2, halvings, same_retrained)]
        if pair.fewest >= LEAST_QUARTERED:
            divisions.append(Division(4, quarterings, same_retrained))
        replicates = [replicate(some, each, rng, delta=delta) for each in divisions]
        found = epsilon(*pair, delta=delta)
        alike = bool(np.ptp(pair.unlearned, axis=0).max() == 0)
        return cls(
            points=points(found.epsilon, n_models),
            seen=seen,
            divisions=tuple(replicates),
            n_models=n_models,
            n_fewest=pair.fewest,
            outliers=has_outlier_runs(pair),
            untouched=alike and bool(found.peaky.all()),
        )

    def noise(self, utility: Utility | None = None) -> NoiseParts:
        """Return the variance of F, or of the score, at N."""
        factor = 1.0 if utility is None else utility.factor
        parts = [self._noise_between(part, utility) for part in self.divisions]
        found = extrapolate(parts[0], parts[-1], factor**2 * spread_of(self.points))
        return widened(found, self.n_fewest, outliers=self.outliers)

    def earned(
        self, utility: Utility | None = None
    ) -> tuple[Floats, tuple[Floats, ...]]:
        """Return points times utility, ``[S]``, and of each division, ``[L, 2, s]``."""
        factor = 1.0 if utility is None else utility.factor
        divisions = tuple(
            part.points(self.n_models) * utility_of(part, utility)[:, :, None]
            for part in self.divisions
        )
        return self.points * factor, divisions

    def _noise_between(
        self, replicates: Replicates, utility: Utility | None
    ) -> NoiseParts:
        factors = utility_of(replicates, utility)
        parts = noise_parts(replicates.points(self.n_models), factors)
        return parts.with_examples(replicates.epsilon.shape[2], self.points.size)


def utility_of(replicates: Replicates, utility: Utility | None) -> Floats:
    """Return the factor of each subset, ``[L, 2]``; 1 without accuracies."""
    if utility is None:
        return np.ones(replicates.epsilon.shape[:2])
    return utility.of_subsets(replicates.unlearned, replicates.retrained)
