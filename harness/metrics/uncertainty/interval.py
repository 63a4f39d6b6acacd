"""An interval around a number, or the reason why there is none."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from harness.errors import UsageError
from harness.metrics.official.epsilon import DELTA

Examples = Literal["fixed", "drawn"]
"""What an interval is about: these examples, or examples like them."""

LEVEL = 0.95
"""Share of repetitions in which an interval is meant to hold the truth."""

ONE_EXAMPLE = "needs 2 examples to say anything of others; there is 1"
"""Why there is no interval for examples that are drawn, too."""


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval and its nominal coverage."""

    low: float
    high: float
    level: float = LEVEL

    def __post_init__(self) -> None:
        if not (math.isfinite(self.high - self.low) and self.low <= self.high):
            raise ValueError(f"no interval: {self.low} to {self.high}")

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Unavailable:
    """A number that cannot be given, and in one sentence why, and what would help."""

    reason: str


def check_examples(examples: str) -> None:
    """Raise `UsageError` unless `examples` is one of `Examples`."""
    if examples not in get_args(Examples):
        raise UsageError(f"examples is {examples!r}; use 'fixed' or 'drawn'.")


@dataclass(frozen=True)
class IntervalOptions:
    """What an interval is to mean.

    Attributes
    ----------
    examples : {"fixed", "drawn"}, default "fixed"
        "fixed": what would fresh models get on *these* examples? "drawn": what would
        fresh models get on fresh examples of the same kind?
    delta : float, default 1e-5
        The delta of (epsilon, delta)-unlearning.
    """

    examples: Examples = "fixed"
    delta: float = DELTA

    def __post_init__(self) -> None:
        check_examples(self.examples)


DEFAULT_OPTIONS = IntervalOptions()


def student_reach(degrees: float) -> float:
    """Return how many standard errors a Student interval reaches up and down."""
    return float(stdtrit(degrees, (1 + LEVEL) / 2))


def relative_interval(value: float, half: float) -> Interval:
    """Return `value` > 0 divided and multiplied by ``exp(half)``.

    Positive numbers whose noise grows with them are symmetric on this scale, and the
    interval cannot fall below 0.
    """
    # Beyond a factor of e^50 an end says no more, and could overflow.
    factor = math.exp(min(half, 50.0))
    return Interval(value / factor, value * factor)


def agreement_interval(quality: float, n_examples: int) -> Interval:
    """Return what examples that show no noise leave open, around F = `quality`.

    Had more than this share of examples other points, one of the S would show it with
    probability 97.5 % (the rule of three).
    """
    open_share = 1 - ((1 - LEVEL) / 2) ** (1 / n_examples)
    return Interval(max(quality - open_share, 0.0), min(quality + open_share, 1.0))


def mean_interval(values: ArrayLike) -> Interval | Unavailable:
    """Return Student's interval for a mean over models, such as an accuracy.

    The examples are fixed: it holds the mean over fresh models on the same ones.
    """
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise UsageError(
            f"The values are {array.dtype} of shape {array.shape}; give one finite "
            "number a model."
        )
    if array.size < 2:
        return Unavailable(f"needs N ≥ 2 models; there are {array.size}")
    mean = float(array.mean())
    half = student_reach(array.size - 1) * float(np.std(array, ddof=1))
    half /= math.sqrt(array.size)
    return Interval(mean - half, mean + half)
