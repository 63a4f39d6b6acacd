"""The official metric written down word by word, slow and without any cleverness.

One example at a time, every attack of both grids by plain comparisons.  It shares no
code with `harness.metrics`, so that agreement means something.
"""

import math
from typing import NamedTuple

import numpy as np

DELTA = 1e-5


class LiteralEpsilon(NamedTuple):
    epsilon: float
    undetermined: bool
    peaky: bool


def literal_epsilon(unlearned, retrained, delta=DELTA):
    """Epsilon of one example; confidences of shapes [N] and [M]."""
    positive, negative = unlearned, retrained
    if np.median(retrained) > np.median(unlearned):
        positive, negative = retrained, unlearned
    if is_peaky(positive, negative):
        return LiteralEpsilon(50.0, False, True)
    attacks = single_threshold_attacks(positive, negative)
    if np.ptp(positive) >= np.ptp(negative):
        positive, negative = negative, positive
    attacks |= double_threshold_attacks(positive, negative)
    kept = [
        e
        for fpr, fnr in attacks
        if (e := epsilon_of_attack(fpr, fnr, delta)) is not None
    ]
    if not kept:
        return LiteralEpsilon(50.0, True, False)
    return LiteralEpsilon(min(max(kept), 50.0), False, False)


def is_peaky(positive, negative):
    a, b = sorted([np.ptp(positive), np.ptp(negative)])
    return bool(b > 0 and a / b < 0.01)


def single_threshold_attacks(positive, negative):
    both = np.concatenate([positive, negative])
    count = math.ceil((both.max() - both.min()) * 100)
    grid = np.linspace(both.min(), both.max(), count).astype(np.float32)
    return {
        (np.mean(negative >= float(t)), np.mean(~(positive >= float(t)))) for t in grid
    }


def double_threshold_attacks(positive, negative):
    width = positive.max() - positive.min()
    low, high = positive.min() + width - 2.0, positive.max() + 2.0
    attacks = set()
    for right in np.linspace(low, high, math.ceil((high - low) * 100)):
        left = np.linspace(right - width - 2.0, right - width + 2.0, 400)[:, None]
        caught = (left <= negative) & (negative <= right)
        missed = ~((left <= positive) & (positive <= right))
        rates = (caught.mean(axis=1).tolist(), missed.mean(axis=1).tolist())
        attacks |= set(zip(*rates, strict=True))
    return attacks


def epsilon_of_attack(fpr, fnr, delta):
    """Epsilon of one attack, None when it is discarded."""
    if fpr == 0 and fnr == 0:
        return math.inf
    if fpr == 0 or fnr == 0:
        return None
    terms = [0.0]
    for one, other in ((fpr, fnr), (fnr, fpr)):
        if 1 - delta - one > 0:
            terms.append(math.log(1 - delta - one) - math.log(other))
    return max(terms)


def literal_forgetting_quality(epsilon, n_models):
    end = math.ceil(math.log(n_models - 1))
    total = 0.0
    for value in epsilon:
        bucket = 0
        while value >= (bucket + 1) * 0.5:
            bucket += 1
        if (bucket + 1) * 0.5 <= end:
            total += 0.5**bucket
    return total / len(epsilon)
