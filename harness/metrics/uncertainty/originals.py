"""How much a mean over original models moves when those are drawn afresh, too.

A track names K originals; N runs start from each, and a number is the mean over the
originals of F, or of the score, of their own N runs, all against the same retrained
models. So ``Var = b + (e + o) / K``: b is the noise of the bank, which the K values
have in common; e that of an original's own runs; o says how far originals truly differ.

``b + e / K`` is what disjoint halves of the models show, as for one original
(`official_interval`), when their means over the originals are taken; each original's
runs then meet the same part of the bank. Halves of the K values *less their mean* show
e alone. The K values themselves scatter with the variance s², which is that of
``e + o`` with K - 1 degrees of freedom. What s² has above e is added, and the degrees
follow Satterthwaite: K - 1 for ``max(s², e) / K`` where s² is the larger, as many as
the models give for all else. So four originals that differ a lot widen an interval like
Student's with 3 degrees, and four that differ no more than their runs do hardly widen
it. A second scoring on the same originals against the same bank moves by e alone.

Why this rule. In a simulation of normal values (K = 4 and 8, o from 0 to 10 e, b from
a quarter of e / K to four times that) it covered in 93.9 to 96.9 %. Satterthwaite's
degrees for the excess alone covered in 90.9 to 96.4 %, K - 1 degrees in any case in
94.1 to 99.4 % at up to 1.55 times the width, no widening at all in 49 to 95 %. Two
originals are too few for any rule that is of use: 87.6 to 96.9 %.

``scripts/simulate_originals.py`` holds intervals and comparisons to known truths.
Before few models were widened (`quality_variance.widened`), with K = 4, N = 16,
originals that differ and a correlation of .09 between examples, 60 benchmarks of 30
examples (counting errs by 5.5 %): the mean was held in 95 %, on fresh examples in 97 %,
a second scoring in 83 %; equal methods were called different in 3 % on the same
originals and in 7 % on fresh ones (0 and 5 % with examples drawn).
``scripts/originals_level.py``, real fine-tuning on six originals of cifar10-quick at
N = 32, three originals against three in every pairing: called different in 0 of 60 by
the score, in 6 of 60 by the calibrated score.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from harness.metrics.uncertainty.interval import (
    ONE_EXAMPLE,
    Examples,
    Interval,
    Unavailable,
    agreement_interval,
    mean_interval,
    relative_interval,
    student_reach,
)
from harness.metrics.uncertainty.quality_variance import (
    NoiseParts,
    extrapolate,
    noise_parts,
    spread_degrees,
    spread_of,
    widened,
)
from harness.models.outputs import Floats

ONE_ORIGINAL = (
    "All runs start from one original model: the intervals do not cover what another "
    "original would give."
)
"""What a reader must know of a result with K = 1."""


@dataclass(frozen=True)
class OriginalsNoise:
    """Variance of a mean over originals, at half the models and at all of them.

    `alike` is the variance that the values of originals have by their own runs, and
    `seen` what they do have; both 0 for one original.
    """

    half: NoiseParts
    full: NoiseParts
    n_originals: int
    alike: float
    seen: float

    @classmethod
    def of(
        cls,
        earned: Floats,
        divisions: Sequence[Floats],
        n_fewest: int,
        *,
        outliers: bool,
    ) -> "OriginalsNoise":
        """Take what each original's models earn on each example, ``[K, S]``.

        `divisions`, ``[K, L, 2, s]``, are the same of disjoint halves and, where there
        are some, quarters, of `n_fewest` models on the smaller side; with `outliers`
        some runs are far off as a whole.
        """
        parts = [_noise(each.mean(axis=0), earned.shape[1]) for each in divisions]
        full = extrapolate(parts[0], parts[-1], spread_of(earned.mean(axis=0)))
        full = widened(full, n_fewest, outliers=outliers)
        if len(earned) == 1:
            return cls(parts[0], full, 1, 0.0, 0.0)
        alike = widened(
            _noise_apart(earned, divisions), n_fewest, outliers=outliers
        ).variance("fixed")
        alike *= len(earned) / (len(earned) - 1)
        seen = float(np.var(earned.mean(axis=1), ddof=1))
        return cls(parts[0], full, len(earned), alike, seen)

    @property
    def excess(self) -> float:
        """The variance of the mean by which originals truly differ, at least 0."""
        return max(self.seen - self.alike, 0.0) / self.n_originals

    def variance(self, examples: Examples) -> float:
        """Return the variance over fresh models, originals and maybe examples."""
        return self.full.variance(examples) + self.excess

    def degrees(self, variance: float, within: float) -> float:
        """Return the degrees of freedom of a variance, `within` but for originals."""
        if self.n_originals == 1 or variance == 0:
            return within
        between = max(self.seen, self.alike) / self.n_originals
        known = self.n_originals - 1.0 if self.seen > self.alike else within
        rest = max(variance - between, 0.0)
        return welch_degrees((rest, within), (between, known))

    def scaled(self, factor: float) -> "OriginalsNoise":
        """Return the noise between originals of as many times the value."""
        square = factor**2
        return replace(self, alike=square * self.alike, seen=square * self.seen)

    def spread(
        self, examples: Examples, apart: Floats, within: float
    ) -> tuple[float, float]:
        """Return the standard error of a mean and its degrees of freedom.

        `apart`, ``[S]``, is what examples earn. Where these are drawn, too, more
        variance that is better known could make an interval narrower; it never is.
        """
        fixed = self.variance("fixed")
        found = math.sqrt(fixed), self.degrees(fixed, within)
        if examples == "fixed":
            return found
        variance = self.variance("drawn")
        degrees = self.degrees(variance, min(within, spread_degrees(apart)))
        return max(found, (math.sqrt(variance), degrees), key=_reach)

    def reach(self, examples: Examples, apart: Floats, within: float) -> float:
        """Return half the width of the interval of a mean; see `spread`."""
        return _reach(self.spread(examples, apart, within))

    def repeated_reach(self, within: float) -> float:
        """Return how far a second scoring on the same originals and bank may fall."""
        variance = 2 * self.alike / self.n_originals
        return _reach((math.sqrt(variance), within))


def _reach(spread: tuple[float, float]) -> float:
    error, degrees = spread
    return student_reach(degrees) * error


def welch_degrees(*parts: tuple[float, float]) -> float:
    """Return the degrees of freedom of a sum of variances, of which each has its own.

    References
    ----------
    Satterthwaite, "An approximate distribution of estimates of variance components"
    (1946).
    """
    # Shares, for squares of what is tiny would be 0.
    total = sum(variance for variance, _ in parts)
    if total == 0:
        return min(degrees for _, degrees in parts)
    shares = ((variance / total) ** 2 / degrees for variance, degrees in parts)
    return 1 / sum(shares)


def _noise(points: Floats, n_examples: int) -> NoiseParts:
    found = noise_parts(points, np.ones(points.shape[:2]))
    return found.with_examples(points.shape[2], n_examples)


def _noise_apart(earned: Floats, divisions: Sequence[Floats]) -> NoiseParts:
    """Return the noise of originals' values less their mean."""
    parts = []
    for each in divisions:
        apart = each - each.mean(axis=0)
        parts.append(_noise(apart.reshape(-1, *apart.shape[2:]), earned.shape[1]))
    apart = earned - earned.mean(axis=0)
    spread = float(np.mean([spread_of(each) for each in apart]))
    return extrapolate(parts[0], parts[-1], spread)


Ends = Interval | Unavailable
Earned = tuple[Floats, tuple[Floats, ...]]


def stacked(each: Sequence[Earned]) -> Earned:
    """Put what each original's models earn below each other."""
    divisions = zip(*(parts for _, parts in each), strict=True)
    earned = np.stack([points for points, _ in each])
    return earned, tuple(np.stack(parts) for parts in divisions)


def originals_intervals(
    each: Sequence[Earned],
    *,
    factor: float,
    n_fewest: int,
    outliers: bool,
    untouched: bool,
) -> tuple[Ends, Ends, Ends]:
    """Return the intervals of a mean over K >= 2 originals.

    They are of the mean over fresh models and originals, of that on fresh examples too,
    and of a second scoring on the same originals against the same bank. `factor` is
    that by which F became what was earned; `outliers` and `untouched` are those of
    `Scoring`.
    """
    earned, divisions = stacked(each)
    value, n_examples = float(earned.mean()), earned.shape[1]
    if untouched:
        return (Interval(0.0, 0.0),) * 3
    noise = OriginalsNoise.of(earned, divisions, n_fewest, outliers=outliers)
    within = n_fewest - 1.0
    apart = earned.mean(axis=0)

    def around(reach: float) -> Interval:
        if value > 0 and reach > 0:
            return relative_interval(value, reach / value)
        ends = agreement_interval(value / factor if factor else 0.0, n_examples)
        return Interval(factor * ends.low, factor * ends.high)

    fixed = around(noise.reach("fixed", apart, within))
    others: Ends = Unavailable(ONE_EXAMPLE)
    if n_examples > 1:
        others = around(noise.reach("drawn", apart, within))
    return fixed, others, around(noise.repeated_reach(within))


def grouped_mean_interval(
    values: ArrayLike, original: ArrayLike | None
) -> Interval | Unavailable:
    """Return an interval for a mean over fresh models and, of several, originals.

    `values` are one number a model, such as an accuracy, and `original` says which
    original model each was made from.
    """
    places = np.zeros(1) if original is None else np.unique(original)
    if len(places) < 2:
        return mean_interval(values)
    array = np.asarray(values, dtype=np.float64)
    groups = [array[np.asarray(original) == place] for place in places]
    if min(len(each) for each in groups) < 2:
        return Unavailable("needs N ≥ 2 models of each original")
    alike = float(np.mean([np.var(each, ddof=1) / len(each) for each in groups]))
    means = np.array([each.mean() for each in groups])
    within = NoiseParts(alike / len(means), 0.0, 0.0)
    noise = OriginalsNoise(
        within, within, len(means), alike, float(np.var(means, ddof=1))
    )
    mean, degrees = float(means.mean()), array.size - len(means)
    half = noise.reach("fixed", means, degrees)
    return Interval(mean - half, mean + half)
