"""Per-example epsilon of the NeurIPS'23 competition: the best of ~160,000 attacks.

An attack guesses from one confidence whether a model was unlearned or retrained.  Its
false positive and false negative rates bound the epsilon of (epsilon, delta)-unlearning
from below; the example's epsilon is the largest such bound.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import UsageError
from harness.metrics.inputs.confidence import confidence_pair
from harness.metrics.official.epsilon._double import best_double_threshold
from harness.metrics.official.epsilon._sample import MergedSample, Roles, take
from harness.metrics.official.epsilon._single import best_single_threshold
from harness.models.outputs import Floats

DELTA = 1e-5
"""The competition's delta."""
EPSILON_CAP = 50.0
"""Epsilon of a perfect attack; no other can come near it."""
PEAKY_RATIO = 0.01
"""Below this ratio of ranges a group counts as one peak, told apart at sight."""

_SAMPLES_AT_ONCE = 1 << 15
"""Confidences worked on together; small enough for a processor's cache."""


class EpsilonResult(NamedTuple):
    """Epsilon of S forget examples.

    Attributes
    ----------
    epsilon : ndarray of float64, shape [S]
        Between 0 (no attack beats guessing) and 50 (a perfect attack).
    undetermined : ndarray of bool, shape [S]
        Every attack was discarded for want of samples; epsilon is then 50.
    peaky : ndarray of bool, shape [S]
        One group's range is below 1 % of the other's; epsilon is then 50.
    """

    epsilon: Floats
    undetermined: NDArray[np.bool_]
    peaky: NDArray[np.bool_]


def epsilon(
    unlearned: ArrayLike, retrained: ArrayLike, *, delta: float = DELTA
) -> EpsilonResult:
    """Return the official epsilon of every forget example.

    Positive is the group with the larger median for the thresholds, the one with the
    smaller range for the intervals.  An attack with exactly one error rate of 0 is
    discarded; with both 0 it is perfect; else its epsilon is the larger of
    ``log(1 - delta - FPR) - log FNR`` and ``log(1 - delta - FNR) - log FPR``, at
    least 0.

    Parameters
    ----------
    unlearned : array_like, shape [N, S]
        Logit-scaled confidences of N unlearned models.
    retrained : array_like, shape [M, S]
        The same of M retrained models.  M need not be N, since rates are shares.
    delta : float, default 1e-5
        The delta of (epsilon, delta)-unlearning, in [0, 1).

    Returns
    -------
    EpsilonResult
        Each example by itself: independent of the others and of the models' order.

    Raises
    ------
    UsageError
        Arrays that `confidence_pair` refuses, or a delta outside [0, 1).

    References
    ----------
    Triantafillou et al., "Evaluation for the NeurIPS Machine Unlearning Competition"
    (2023), and the evaluation code released in 2024, which this follows digit by
    digit.
    """
    if not 0 <= delta < 1:
        raise UsageError(f"delta is {delta}; it must lie in [0, 1), usually 1e-5.")
    pair = confidence_pair(unlearned, retrained)
    # One example a row: its samples then lie together in memory.
    left, right = pair.unlearned.T, pair.retrained.T
    size = max(1, _SAMPLES_AT_ONCE // (left.shape[1] + right.shape[1]))
    parts = [
        _batch(left[begin : begin + size], right[begin : begin + size], delta)
        for begin in range(0, len(left), size)
    ]
    return EpsilonResult(
        *(np.concatenate(column) for column in zip(*parts, strict=True))
    )


def _batch(unlearned: Floats, retrained: Floats, delta: float) -> EpsilonResult:
    """Return the epsilon of a batch; shapes [B, N] and [B, M]."""
    spans = np.stack([_span(unlearned), _span(retrained)])
    widths = spans[:, 1] - spans[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        peaky = widths.min(axis=0) / widths.max(axis=0) < PEAKY_RATIO
    best = np.full(len(unlearned), np.inf)
    rest = np.flatnonzero(~peaky)
    if rest.size:
        best[rest] = _best_attack(
            unlearned[rest], retrained[rest], spans[:, :, rest], delta
        )
    undetermined = best == 0
    logs = np.log(np.where(undetermined, np.inf, best))
    return EpsilonResult(np.minimum(logs, EPSILON_CAP), undetermined, peaky)


def _span(values: Floats) -> Floats:
    return np.stack([values.min(axis=1), values.max(axis=1)])


def _best_attack(
    unlearned: Floats, retrained: Floats, spans: Floats, delta: float
) -> Floats:
    """Return ``exp(epsilon)``, [B], 0 where every attack was discarded."""
    sample = MergedSample.of(unlearned, retrained)
    higher = ~(np.median(retrained, axis=1) > np.median(unlearned, axis=1))
    best = best_single_threshold(sample, Roles.of(sample, higher), delta)
    open_ = np.flatnonzero(np.isfinite(best))
    if open_.size:
        sample, spans = take(sample, open_), spans[:, :, open_]
        narrower = _narrower_is_unlearned(spans, higher[open_])
        span = np.where(narrower, spans[0], spans[1])
        best[open_] = best_double_threshold(
            sample, Roles.of(sample, narrower), span, delta, best[open_]
        )
    return best


def _narrower_is_unlearned(
    spans: Floats, higher_is_unlearned: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return whether the unlearned group has the smaller range.

    At equal ranges the group with the smaller median is taken, as the released code
    does.
    """
    unlearned, retrained = spans[:, 1] - spans[:, 0]
    tied = unlearned == retrained
    return np.where(tied, ~higher_is_unlearned, unlearned < retrained)
