"""What F means: the ceiling that retraining itself reaches, and the floor.

Retrained models are no more alike than retrained models, so nothing that unlearns can
hope for more than they score against each other: about 0.19, not 1.
"""

from dataclasses import dataclass

import numpy as np

from harness.errors import UsageError
from harness.metrics.inputs.confidence import forget_pair
from harness.metrics.official.epsilon import DELTA, epsilon
from harness.metrics.official.quality import forgetting_quality
from harness.metrics.official.utility import Utility, score
from harness.metrics.uncertainty.interval import (
    DEFAULT_OPTIONS,
    Interval,
    IntervalOptions,
    Unavailable,
    student_reach,
)
from harness.metrics.uncertainty.quality_replicates import epsilon_of_subsets
from harness.models.outputs import Floats, ModelOutputs

SPLITS = 20
"""Random splits of the bank.  Their scatter is then known to a sixth."""


@dataclass(frozen=True)
class Ceiling:
    """F, or score, of retrained models against held-out retrained models.

    `value` is the mean over random splits of the bank, and `interval` is where the
    number of a perfect unlearner falls.
    """

    value: float
    interval: Interval


@dataclass(frozen=True)
class Ceilings:
    """Ceilings of both numbers, from the same splits of the bank.

    That of the score is `Unavailable` also where the bank has no accuracies.
    """

    forgetting_quality: Ceiling | Unavailable
    score: Ceiling | Unavailable


def ceilings(
    bank: ModelOutputs,
    n_models: int,
    *,
    seed: int,
    options: IntervalOptions = DEFAULT_OPTIONS,
) -> Ceilings:
    """Return what retraining itself scores at N models a side.

    Under this null all models of a bank are alike, so that one split is as good as a
    new pair of samples, and the scatter of random splits is that of fresh scorings.

    They are `Unavailable` when the bank, of all retrained models, holds fewer than 2 N.
    The `seed` is of the splits. F at another N cannot be compared.
    """
    pair = forget_pair(bank, bank)
    if n_models < 2:
        raise UsageError(f"n_models is {n_models}; a ceiling needs at least 2 models.")
    if len(bank) < 2 * n_models:
        missing = Unavailable(
            f"the bank holds {len(bank)} retrained models; a ceiling at N = {n_models} "
            f"needs {2 * n_models}, half of them held out"
        )
        return Ceilings(missing, missing)
    rng = np.random.default_rng(seed)
    orders = rng.permuted(np.tile(np.arange(len(bank)), (SPLITS, 1)), axis=1)
    held_out, compared = orders[:, :n_models], orders[:, n_models : 2 * n_models]
    found = epsilon_of_subsets(pair, held_out, compared, delta=options.delta)
    values = np.array([forgetting_quality(row, n_models) for row in found])
    quality = _summary(values)
    utility = Utility.between(bank, bank)
    if utility is None:
        reason = "needs the accuracies of the bank's models"
        return Ceilings(quality, Unavailable(reason))
    scores = values * utility.of_subsets(held_out, compared)
    return Ceilings(quality, _summary(scores))


def _summary(values: Floats) -> Ceiling:
    """Sum up the splits, with Student's interval for one more of them."""
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    reach = student_reach(len(values) - 1) * deviation
    half = reach * float(np.sqrt(1 + 1 / len(values)))
    return Ceiling(mean, Interval(max(mean - half, 0.0), mean + half))


def share_of_ceiling(
    value: float, ceiling: Ceiling | Unavailable
) -> float | Unavailable:
    """Return F or a score as a share of its ceiling, which is far from 1 by itself."""
    if isinstance(ceiling, Unavailable):
        return ceiling
    if ceiling.value == 0:
        return Unavailable("the ceiling is 0: even retraining scores nothing here")
    return value / ceiling.value


def floors(
    original: ModelOutputs, retrained: ModelOutputs, *, delta: float = DELTA
) -> tuple[float, float | None]:
    """Return F and score of no unlearning at all: the original model, N times over.

    `original` is one model, compared with N retrained ones; without accuracies there
    is no score.
    """
    shape = len(retrained), original.n_examples
    copies = np.broadcast_to(original.forget_confidence[0], shape)
    found = epsilon(copies, retrained.forget_confidence, delta=delta).epsilon
    quality = forgetting_quality(found, len(retrained))
    if Utility.between(original, retrained) is None:
        return quality, None
    return quality, score(quality, original, retrained)
