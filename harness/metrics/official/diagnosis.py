"""Why F is low: runs are centred elsewhere than retraining's, or vary too little.

F falls with either, and an author must know which of the two to work on: a perfectly
centred method with 0.6 of retraining's spread gets 0.04 where retraining gets 0.18.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.official.epsilon import DELTA, epsilon
from harness.metrics.official.quality import forgetting_quality
from harness.models.outputs import Floats

_SCALE_FLOOR = 0.05


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What keeps F down: the middle of the runs, or their spread.

    Attributes
    ----------
    shift : float
        Median over the examples of how far the runs' mean is from that of retraining,
        in spreads of retraining.
    spread : float
        Median over the examples of the runs' spread over that of retraining.
    centred : float
        F with each example's mean put right, the spread left as it is.
    rescaled : float
        F with each example's spread put right, the mean left as it is.
    """

    shift: float
    spread: float
    centred: float
    rescaled: float


class Moments(NamedTuple):
    """Of each example, ``[S]``: signed shift of the mean, and ratio of the spreads."""

    shift: Floats
    spread: Floats


def natural_scale(pair: ConfidencePair) -> Floats:
    """Return each example's spread over retrained models, never quite 0, ``[S]``."""
    joint = np.concatenate(pair).std(axis=0)
    scale = np.maximum(pair.retrained.std(axis=0), _SCALE_FLOOR * joint)
    return np.where(scale > 0.0, scale, 1.0)


def moments(pair: ConfidencePair) -> Moments:
    """Compare both groups' means and spreads, in spreads of retraining."""
    scale = natural_scale(pair)
    apart = pair.unlearned.mean(axis=0) - pair.retrained.mean(axis=0)
    return Moments(apart / scale, pair.unlearned.std(axis=0) / scale)


def diagnose(
    pair: ConfidencePair, held_out: Floats | None = None, *, delta: float = DELTA
) -> Diagnosis:
    """Say what F would be with the mean, or the spread alone, put right.

    They are set to those of retrained models that are `held_out` ``[M, S]``, where
    there are two or more: set to those that F is measured against, a crowd would fit
    them better than fresh retrained models do.
    """
    found, n_models = moments(pair), len(pair.unlearned)
    wanted = held_out if held_out is not None and len(held_out) > 1 else pair.retrained
    mean, spread = pair.unlearned.mean(axis=0), pair.unlearned.std(axis=0)
    around = pair.unlearned - mean
    factor = wanted.std(axis=0) / np.where(spread > 0, spread, 1.0)

    def quality(unlearned: Floats) -> float:
        eps = epsilon(unlearned, pair.retrained, delta=delta).epsilon
        return forgetting_quality(eps, n_models)

    return Diagnosis(
        shift=float(np.median(np.abs(found.shift))),
        spread=float(np.median(found.spread)),
        centred=quality(wanted.mean(axis=0) + around),
        rescaled=quality(mean + factor * around),
    )
