"""Choosing an attack on some of the models, bounding its errors on the others."""

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.metrics.attacks.attack_search import (
    best_interval,
    best_likelihood_ratio,
    best_threshold,
)
from harness.metrics.attacks.families import Attack, ErrorCounts, count_errors
from harness.metrics.attacks.joint_bounds import Loss, prove, upper_bounds
from harness.metrics.inputs.confidence import ConfidencePair, split_pair
from harness.models.outputs import Floats

ALPHA = 0.05
"""Probability with which the two bounds of an example may fail."""

CHOOSERS = 3
"""One in so many models chooses the attack. Half of them would choose a little better,
but bound the errors worse: in simulation a third proved up to a tenth more."""


def prove_loss(
    pair: ConfidencePair, loss: Loss, alpha: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Choose on one in `CHOOSERS` of the models, bound the loss on the others, ``[S]``.

    The others have played no part in the choice, so the errors of that one attack on
    them are binomial, and `joint_bounds` turns them into the loss that they prove: with
    probability ``1 - alpha``, for each example by itself. With it comes how good the
    attack looked to the models that chose it.
    """
    if not 0.0 < alpha < 1.0:
        raise UsageError(f"alpha is {alpha}; give a probability between 0 and 1.")
    choosing, others = split_pair(pair, rng, CHOOSERS)
    attacks = chosen_attacks(choosing, loss, alpha)
    family = strongest(attacks)
    expected = count_chosen_errors(attacks, family, choosing)
    found = count_chosen_errors(attacks, family, others)
    promise = np.stack([attack.promise for attack in attacks]).max(axis=0)
    return prove(found, expected, loss, alpha), promise


def chosen_attacks(
    pair: ConfidencePair, loss: Loss, alpha: float = ALPHA
) -> tuple[Attack, ...]:
    """Return the most promising threshold, interval and likelihood ratio attacks.

    Earlier ones win ties.

    What an attack promises is the loss that Clopper–Pearson bounds would prove on the
    very models it was chosen on. A larger family finds a luckier attack there, so its
    bounds are taken at alpha divided by the square root of its number of attacks.
    That is half way (in logarithms) between no correction and Bonferroni's, and in
    simulation close to the better of the two everywhere. Any rule would be valid,
    as other models bound it; a better one only proves more.
    """
    n, m = len(pair.unlearned), len(pair.retrained)
    single, double = 2 * (n + m), n * n + m * m
    few = _promise_table(n, m, loss, alpha / np.sqrt(single))
    many = _promise_table(n, m, loss, alpha / np.sqrt(double))
    return (
        best_threshold(pair, few),
        best_interval(pair, many),
        best_likelihood_ratio(pair, few),
    )


def strongest(attacks: tuple[Attack, ...]) -> NDArray[np.intp]:
    """Return the index of the most promising attack of each example, ``[S]``."""
    promises = np.stack([attack.promise for attack in attacks])
    return np.asarray(promises.argmax(axis=0))


def count_chosen_errors(
    attacks: tuple[Attack, ...], chosen: NDArray[np.intp], pair: ConfidencePair
) -> ErrorCounts:
    """Count each example's errors of its chosen attack on the models of `pair`."""
    counts = [count_errors(attack, pair) for attack in attacks]
    examples = np.arange(len(chosen))
    return counts[0]._replace(
        false_positives=np.stack([c.false_positives for c in counts])[chosen, examples],
        false_negatives=np.stack([c.false_negatives for c in counts])[chosen, examples],
    )


def _promise_table(n: int, m: int, loss: Loss, alpha: float) -> Floats:
    """Return the loss that each pair of error counts proves, ``[m + 1, n + 1]``."""
    false_positive = upper_bounds(m, alpha / 2)[:, None]
    false_negative = upper_bounds(n, alpha / 2)[None, :]
    return loss(false_positive, false_negative)
