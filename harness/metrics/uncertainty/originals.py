"""Intervals of a mean over original models, each with N runs of its own."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.metrics.uncertainty.interval import Interval, student_reach
from harness.metrics.uncertainty.scored_submission import ScoredSubmission


def originals_interval(values: Sequence[float]) -> Interval:
    """Return Student's interval for the mean over fresh originals, K >= 2 values."""
    mean, n = float(np.mean(values)), len(values)
    half = student_reach(n - 1) * float(np.std(values, ddof=1)) / np.sqrt(n)
    return Interval(max(mean - half, 0.0), mean + half)


def mean_submission(parts: Sequence[ScoredSubmission]) -> ScoredSubmission:
    """Return what a submission earns in the mean over originals."""
    earned = np.mean([part.earned for part in parts], axis=0)
    divisions = zip(*(part.divisions for part in parts), strict=True)
    return replace(
        parts[0],
        value=float(np.mean([part.value for part in parts])),
        earned=earned,
        divisions=tuple(np.mean(each, axis=0) for each in divisions),
    )
