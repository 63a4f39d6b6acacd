"""How much forgetting quality would move if the models were drawn afresh."""

from dataclasses import dataclass, replace

import numpy as np

from harness.metrics.uncertainty.interval import Examples
from harness.models.outputs import Floats


@dataclass(frozen=True)
class NoiseParts:
    """Variance of F, or of a score, at one number of models.

    `own` is the part that each example has for itself, which averages out over
    examples; `shared` that in which examples move together because a run moves them
    all, negative at times by chance; `spread` the variance of the points between
    examples, over S: `own`, and how far the examples truly differ.
    """

    own: float
    shared: float
    spread: float

    @property
    def own_share(self) -> float:
        """Share of the spread that is noise, 0 to 1."""
        return min(self.own / self.spread, 1.0) if self.spread > 0 else 1.0

    @property
    def between(self) -> float:
        """The part of the spread in which the examples truly differ, at least 0."""
        return max(self.spread - self.own, 0.0)

    def variance(self, examples: Examples) -> float:
        """Return the variance over new models and, if "drawn", new examples."""
        fixed = self.own + max(self.shared, 0.0)
        return fixed + self.between if examples == "drawn" else fixed

    def with_examples(self, seen: int, n_examples: int) -> "NoiseParts":
        """Return the variance with `n_examples` of which this many were `seen`."""
        share = seen / n_examples
        return NoiseParts(self.own * share, self.shared, self.spread * share)


FEW_MODELS = 32
"""With fewer a quarter is too small to tell how noise falls with their number."""

OF_OUTLIERS = 2.5
"""Times the extrapolated shared part of the noise; chosen by simulation."""


def widened(noise: NoiseParts, n_models: int, *, outliers: bool) -> NoiseParts:
    """Return the noise of few models, or of outliers; parts show too little of both.

    At N = 16, quarters of 4, the variance was found 1.7 times too small where examples
    correlate by .09, 2.0 at .29, and 2.5 with 8 % bad seeds besides, so that intervals
    held 83 to 85 %; at N = 32 and 64 and .29 it was right (ratios .94 and 1.09, 93 %).
    It is taken times 32 / N; how far examples truly differ stays. Then 90 % are held in
    the worst of these cases, and all where examples hardly correlate.

    Where some runs are outliers, how many there are moves all examples, and F the more
    the more models there are: with 8 % bad seeds at N = 64 the shared part was 1.0 to
    2.1 times that at N / 2 (12 worlds, three correlations), .9 times were extrapolated,
    and few outliers show it badly. It is taken at `OF_OUTLIERS` times that, with which
    a second scoring was held in 92 to 97.5 % (docs/metrics.md), without in 86 to 90 %.
    The noise of fewer models is large enough as it is.
    """
    if n_models >= FEW_MODELS:
        return replace(noise, shared=OF_OUTLIERS * noise.shared) if outliers else noise
    factor = FEW_MODELS / n_models
    own = factor * noise.own
    return NoiseParts(own, factor * noise.shared, noise.spread + own - noise.own)


def noise_parts(points: Floats, utility: Floats) -> NoiseParts:
    """Return the variance between the two of each pair, in its parts.

    Half the squared difference of two independent values is an unbiased estimate of
    their variance, whatever their distribution. `points` are ``[L, 2, S]`` of pairs of
    disjoint subsets, `utility` ``[L, 2]`` the factor of each; 1 for F itself.
    """
    scaled = points * utility.mean()
    own = np.mean(_half_squares(scaled).sum(axis=1)) / points.shape[2] ** 2
    total = np.mean(_half_squares(points.mean(axis=2) * utility))
    spread = np.mean([spread_of(subset) for pair in scaled for subset in pair])
    return NoiseParts(float(own), float(total - own), float(spread))


def spread_of(points: Floats) -> float:
    """Return the variance of points between S examples, over S; 0 for one example."""
    return float(np.var(points, ddof=1)) / points.size if points.size > 1 else 0.0


def spread_degrees(points: Floats) -> float:
    """Return the degrees of freedom, 1 to S - 1, with which `spread_of` is known.

    A sample variance of S values has itself the relative variance ``(κ - 1) / S``, κ
    their kurtosis, as that of a chi-square with ``2 S / (κ - 1)`` degrees of freedom
    (Satterthwaite). Points are skewed: few examples earn most, and κ is often 6 or 8.
    """
    squares = (points - points.mean()) ** 2
    mean, most = squares.mean(), points.size - 1.0
    if mean == 0:
        return most
    excess = (squares**2).mean() / mean**2 - 1
    return float(min(max(2 * points.size / max(excess, 1e-9), 1.0), most))


def _half_squares(values: Floats) -> Floats:
    """Return half the squared difference along axis 1."""
    return np.asarray((values[:, 0] - values[:, 1]) ** 2 / 2)


def extrapolate(half: NoiseParts, quarter: NoiseParts, spread: float) -> NoiseParts:
    """Return the variance at N from those at N / 2 and N / 4 and the spread at N.

    What doubling the models did once, it is taken to do again, within bounds.

    An example's own noise hardly falls with N, for epsilon is the best of many attacks
    on few samples.  It is followed by itself, and as a share of the spread, which is
    seen at N; the mean of the two is steadier than either.

    The shared part falls at last like the variance of a mean, by half.  But F reacts
    the more to a shift the more models there are, so that it may stand still first.
    """
    own = half.own * _ratio(half.own, quarter.own, 0.4, 1.6)
    if half.spread > 0:
        falls = _ratio(half.own_share, quarter.own_share, 0.7, 1.0)
        own = (own + spread * half.own_share * falls) / 2
    shared = max(half.shared, 0.0)
    # Own noise above and below keeps a ratio of two small, noisy numbers tame.
    grows = _ratio(
        shared + half.own / 2, max(quarter.shared, 0.0) + quarter.own / 2, 0.5, 2.25
    )
    return NoiseParts(own, shared * (0.5 + 0.4 * (grows - 0.5)), spread)


def _ratio(upper: float, lower: float, least: float, most: float) -> float:
    """Return `upper` / `lower` within bounds; 1 where there is nothing to divide."""
    if lower <= 0:
        return 1.0 if upper <= 0 else most
    return min(max(upper / lower, least), most)
