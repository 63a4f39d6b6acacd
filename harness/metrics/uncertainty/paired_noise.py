"""How much the difference of two results would move if all were drawn afresh.

Two disjoint halves of A's, of B's and of the bank's models are two independent
comparisons of half the size, whatever the distribution. Both methods meet the *same*
half of the bank, so that what the bank does to both cancels. Squared differences
between the two, at N / 2 and N / 4, give the variance of the difference at N, as they
do for F itself; `official_interval` says why there is no bootstrap.

With new examples. Let ``d_s = m(x_s) + e_s + g`` be what example s adds to the
difference ``D = mean(d_s)`` of S examples drawn at random: a true difference m, the
example's own noise e of the models, and the noise g that the models give all examples
alike. Then ``Var D = (Var m + Var e) / S + Var g``. The first term is what the scatter
of the S values d_s themselves shows, own noise included, so that only the shared noise
is added to it, not the own noise once more.

``scripts/simulate_paired.py`` holds this to known truths (Gaussian, heavy-tailed and
bimodal confidences, 60 examples). With 300 benchmarks each, nominal
95 % intervals for fixed examples held the mean difference in 93.7 to 98.3 %, N = 32 and
64, and called equal methods different in 2.0 to 5.0 %. With examples drawn it was 95.7
to 96.7 % and 2.7 to 4.7 % at N = 32, and 94.7 to 98.7 % and 3.3 to 4.0 % of 150
benchmarks each at N = 64.
"""

from typing import NamedTuple

import numpy as np

from harness.metrics.uncertainty.interval import Examples
from harness.metrics.uncertainty.quality_variance import (
    NoiseParts,
    extrapolate,
    noise_parts,
    spread_of,
)
from harness.metrics.uncertainty.scored_submission import ScoredSubmission


class PairedNoise(NamedTuple):
    """Variance of the difference, at half the models and at all of them."""

    half: NoiseParts
    full: NoiseParts

    def spread(self, examples: Examples) -> float:
        """Return the standard deviation of the difference at all the models."""
        return float(np.sqrt(self.full.variance(examples)))


def paired_noise(first: ScoredSubmission, second: ScoredSubmission) -> PairedNoise:
    """Return the variance of the difference between A and B.

    Below 8 models there are no quarters, and the halves speak for them.
    """
    apart = first.earned - second.earned
    parts = []
    for ours, theirs in zip(first.divisions, second.divisions, strict=True):
        found = noise_parts(ours - theirs, np.ones(ours.shape[:2]))
        parts.append(found.with_examples(ours.shape[2], apart.size))
    return PairedNoise(parts[0], extrapolate(parts[0], parts[-1], spread_of(apart)))
