"""Attacks that tell unlearned from retrained models, one attack for each example.

An attack is fitted on some models and tried on others. It says "unlearned" on a
region of the confidence axis: inside or outside an open interval, or where a ratio of
two fitted normal densities is large.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.metrics.inputs.confidence import ConfidencePair
from harness.models.outputs import Floats


class ErrorCounts(NamedTuple):
    """How often an attack is wrong on each example, ``[S]``, and on how many models.

    A false positive is a retrained model that is called unlearned.
    """

    false_positives: NDArray[np.intp]
    false_negatives: NDArray[np.intp]
    retrained: int
    unlearned: int

    def take(self, chosen: NDArray[np.bool_]) -> "ErrorCounts":
        """Keep some of the examples."""
        return self._replace(
            false_positives=self.false_positives[chosen],
            false_negatives=self.false_negatives[chosen],
        )


@dataclass(frozen=True)
class IntervalAttack:
    """Says "unlearned" inside (or else outside) an open interval of each example.

    An infinite end makes it a single threshold. `promise` is how good the attack looks
    to the models that chose it, ``[S]``.
    """

    lower: Floats
    upper: Floats
    unlearned_inside: NDArray[np.bool_]
    promise: Floats

    def says_unlearned(self, confidences: Floats) -> NDArray[np.bool_]:
        """Return the verdicts ``[n, S]`` on n models' confidences ``[n, S]``."""
        inside = (confidences > self.lower) & (confidences < self.upper)
        return np.asarray(inside == self.unlearned_inside)


@dataclass(frozen=True)
class GaussianAttack:
    """Says "unlearned" where the fitted log likelihood ratio exceeds a threshold."""

    fit: "GaussianFit"
    threshold: Floats
    promise: Floats

    def says_unlearned(self, confidences: Floats) -> NDArray[np.bool_]:
        """Return the verdicts ``[n, S]`` on n models' confidences ``[n, S]``."""
        return np.asarray(self.fit.log_ratio(confidences) > self.threshold)


@dataclass(frozen=True)
class GaussianFit:
    """A normal distribution for each group of models and example, ``[S]`` each."""

    unlearned_mean: Floats
    unlearned_sd: Floats
    retrained_mean: Floats
    retrained_sd: Floats

    def log_ratio(self, confidences: Floats) -> Floats:
        """Return ``log p(conf | unlearned) - log p(conf | retrained)``, ``[n, S]``."""
        unlearned = (confidences - self.unlearned_mean) / self.unlearned_sd
        retrained = (confidences - self.retrained_mean) / self.retrained_sd
        scale = np.log(self.retrained_sd) - np.log(self.unlearned_sd)
        return np.asarray(0.5 * (retrained**2 - unlearned**2) + scale)


_SD_FLOOR = 1e-3
"""Smallest standard deviation, as a share of the joint one of both groups."""


Attack = IntervalAttack | GaussianAttack
"""S attacks of one family, one for each example."""


def fit_gaussians(pair: ConfidencePair) -> GaussianFit:
    """Fit a normal distribution to each group of models and example.

    A group without variance gets a thousandth of the joint standard deviation, so
    that its density stays finite; if nothing varies at all the ratio is constant.
    """
    joint = np.concatenate(pair).std(axis=0)
    floor = np.where(joint > 0.0, _SD_FLOOR * joint, 1.0)
    return GaussianFit(
        pair.unlearned.mean(axis=0),
        np.maximum(_sample_sd(pair.unlearned), floor),
        pair.retrained.mean(axis=0),
        np.maximum(_sample_sd(pair.retrained), floor),
    )


def _sample_sd(confidences: Floats) -> Floats:
    """Return the standard deviation of each column, 0 for a single row."""
    return np.asarray(confidences.std(axis=0, ddof=min(len(confidences) - 1, 1)))


def count_errors(attack: Attack, pair: ConfidencePair) -> ErrorCounts:
    """Count how often `attack` errs on the models of `pair`."""
    return ErrorCounts(
        attack.says_unlearned(pair.retrained).sum(axis=0),
        (~attack.says_unlearned(pair.unlearned)).sum(axis=0),
        len(pair.retrained),
        len(pair.unlearned),
    )
