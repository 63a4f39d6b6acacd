"""Confidence intervals of the official metric: F, score, and both accuracies.

What is random.  By default the forget set is fixed, as it is in a track: an interval
for F is meant to hold the mean of F at this N over fresh unlearned *and* fresh
retrained models on the same examples.  With ``examples="drawn"`` the truth is the mean
over fresh forget sets too, and the interval is wider.

A second scoring is another question: it meets the same reference bank, whose noise the
two have in common, but is as noisy as the first.  `repetition_intervals` double the
variance of F over the unlearned models alone, seen between disjoint parts of them that
meet the same retrained ones.

Why no bootstrap.  Epsilon is the best of 160,000 attacks.  Models drawn with
replacement come in ties, which attacks take for structure: F of a resample lies far
below F (0.14 for 0.19 at N = 64, for retraining itself).  Leaving out single models
fails too, for points jump by half.  F itself needs no correction, being unbiased for
its own mean; only its variance is wanted.  Two disjoint halves of the models *are* two
independent scorings of size N / 2, whatever the distribution; disjoint quarters are two
of size N / 4.  Their squared differences, over a few dozen random divisions, give the
variance at N / 2 and N / 4, apart for the noise that each example has for itself and
for that in which a run moves all examples together, for the two change with N
differently (`quality_variance.extrapolate`).  The noise of F grows with F, so the
interval is laid on its logarithm.

Where nothing varies.  If every example earns the same points in all repetitions, no
variance is seen, but example s may still earn other points with a small probability
p_s in a fresh scoring.  All S kept theirs with probability ``Π (1 - p_s) <=
exp(-Σ p_s)``, so the mean of p_s, and with it that of F, is held to the rule of three
(`agreement_interval`).  Identical unlearned models are the exception: beside a spread
the official rule gives one peak ε = 50, so F = 0 is certain and so is its interval.

``scripts/simulate_coverage.py`` holds this to known truths: over 500 benchmarks each,
for Gaussian, heavy-tailed and bimodal confidences and N = 32, 64 and 256, nominal 95 %
intervals held the truth of F, and that of the score, in 94.6 to 96.4 % (60 examples; F
from 0.06 to 0.12).  Intervals for a repetition held the value of a second scoring in
94.4 to 96.6 %; those of the mean held it in 89 to 94 %.  With ``examples="drawn"`` F
was held in 94.2 to 95.6 % and the score in 94.2 to 95.4 % at N = 64 and 256, both in
93.0 to 94.2 % at N = 32.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from harness.metrics.inputs.confidence import ConfidencePair, forget_pair
from harness.metrics.official.utility import Utility
from harness.metrics.uncertainty.interval import (
    DEFAULT_OPTIONS,
    ONE_EXAMPLE,
    Interval,
    IntervalOptions,
    Unavailable,
    agreement_interval,
    relative_interval,
    student_reach,
)
from harness.metrics.uncertainty.quality_variance import spread_degrees
from harness.metrics.uncertainty.scoring_noise import LEAST_QUARTERED, Scoring
from harness.models.outputs import ModelOutputs

LEAST_MODELS = LEAST_QUARTERED
"""Fewest models a side; a quarter of them is the smallest set that can be attacked."""


@dataclass(frozen=True)
class OfficialIntervals:
    """Intervals of F and of the score; None for the score without accuracies."""

    forgetting_quality: Interval | Unavailable
    score: Interval | Unavailable | None


def official_intervals(
    unlearned: ModelOutputs,
    retrained: ModelOutputs,
    *,
    seed: int,
    options: IntervalOptions = DEFAULT_OPTIONS,
) -> OfficialIntervals:
    """Return confidence intervals for F and, given accuracies, for the score.

    Parameters
    ----------
    unlearned, retrained : ModelOutputs
        N and M models on the same forget set.
    seed : int
        Of the random divisions of the models.
    options : IntervalOptions, optional

    Returns
    -------
    OfficialIntervals
        `Unavailable` below `LEAST_MODELS` models a side.

    Raises
    ------
    UsageError
        Outputs on different examples.
    """
    return _measured(unlearned, retrained, seed, options)


def repetition_intervals(
    unlearned: ModelOutputs,
    retrained: ModelOutputs,
    *,
    seed: int,
    options: IntervalOptions = DEFAULT_OPTIONS,
) -> OfficialIntervals:
    """Return where F and score of N other unlearned models fall, for the same bank.

    Parameters, returns and errors are those of `official_intervals`; the examples are
    these, whatever the options say of them.
    """
    fixed = replace(options, examples="fixed")
    return _measured(unlearned, retrained, seed, fixed, noisy_values=2)


def _measured(
    unlearned: ModelOutputs,
    retrained: ModelOutputs,
    seed: int,
    options: IntervalOptions,
    noisy_values: int = 1,
) -> OfficialIntervals:
    pair = forget_pair(unlearned, retrained)
    utility = Utility.between(unlearned, retrained)
    if pair.fewest < LEAST_MODELS:
        return too_few_models(pair, utility)
    rng, same_retrained = np.random.default_rng(seed), noisy_values == 2
    scoring = Scoring.of(pair, rng, options.delta, same_retrained=same_retrained)
    return intervals_of(scoring, utility, options=options, noisy_values=noisy_values)


def too_few_models(pair: ConfidencePair, utility: Utility | None) -> OfficialIntervals:
    """Say how many models an interval needs."""
    reason = Unavailable(pair.lacks(LEAST_MODELS))
    return OfficialIntervals(reason, None if utility is None else reason)


def intervals_of(
    scoring: Scoring,
    utility: Utility | None = None,
    *,
    options: IntervalOptions = DEFAULT_OPTIONS,
    noisy_values: int = 1,
) -> OfficialIntervals:
    """Return the intervals of `official_intervals` from repetitions at hand.

    They are laid around one noisy value, for a truth (1), or for a value as noisy (2).
    """
    if options.examples == "drawn" and scoring.points.size < 2:
        reason = Unavailable(ONE_EXAMPLE)
        return OfficialIntervals(reason, None if utility is None else reason)
    quality = _interval(scoring, None, options, noisy_values)
    quality = replace(quality, high=min(quality.high, 1.0))
    if utility is None:
        return OfficialIntervals(quality, None)
    return OfficialIntervals(
        quality, _interval(scoring, utility, options, noisy_values)
    )


def _interval(
    scoring: Scoring,
    utility: Utility | None,
    options: IntervalOptions,
    noisy_values: int,
) -> Interval:
    factor = 1.0 if utility is None else utility.factor
    quality = float(scoring.points.mean())
    if scoring.untouched:
        return Interval(0.0, 0.0)
    variance = noisy_values * scoring.noise(utility).variance(options.examples)
    if factor * quality == 0 or variance == 0:
        ends = agreement_interval(quality, scoring.points.size)
        return Interval(factor * ends.low, factor * ends.high)
    degrees = float(scoring.n_fewest - 1)
    if options.examples == "drawn":
        degrees = min(degrees, spread_degrees(scoring.points))
    half = student_reach(degrees) * math.sqrt(variance) / (factor * quality)
    return relative_interval(factor * quality, half)
