"""What language models are judged by elsewhere: one score of a model, or of two.

Each is computed for every model and averaged, which nobody else can: they have one
unlearned and one retrained model. Only tasks of texts store what these need.
"""

import numpy as np
from scipy.stats import ks_2samp, rankdata

from harness.metrics.inputs.confidence import halve_places
from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.metric_value import Direction, MetricValue, missing
from harness.metrics.uncertainty.interval import student_reach
from harness.models.outputs import Floats, ModelOutputs

NAMES = (
    "PrivLeak",
    "forget quality (log10 p)",
    "extracted tokens",
    "log-probability, forget passages",
    "log-probability, test passages",
)
LEAST_MODELS = 4
"""Fewest models a side, so that either half has two."""

_LEAST_P = 1e-300


def language_metrics(comparison: Comparison) -> tuple[MetricValue, ...]:
    """Return PrivLeak, forget quality, extraction and the likelihood of passages.

    Nothing at all for models that have no such outputs.
    """
    ours, theirs = comparison.unlearned, comparison.retrained
    if not (_of_text(ours) and _of_text(theirs)):
        return ()
    if reason := comparison.pair.lacks(LEAST_MODELS):
        return tuple(missing(name, Direction.NULL, reason) for name in NAMES)
    null = _null_groups(comparison)
    return tuple(
        MetricValue(
            name,
            *measure(ours, theirs),
            Direction.NULL,
            measure(*null)[0],
            null_models=min(map(len, null)),
        )
        for name, measure in zip(NAMES, _MEASURES, strict=True)
    )


def _of_text(models: ModelOutputs) -> bool:
    parts = models.forget_min_k, models.test_min_k, models.extracted_tokens
    return all(part is not None for part in (*parts, models.test_confidence))


def _null_groups(comparison: Comparison) -> tuple[ModelOutputs, ModelOutputs]:
    """Retrained models in the unlearned ones' place, and others to compare with."""
    held_out, retrained = comparison.held_out, comparison.retrained
    if held_out is not None and len(held_out) > 1:
        return held_out, retrained
    rng = np.random.default_rng([comparison.seed, 2])
    first, second = halve_places(len(retrained), rng)
    return retrained.take(first), retrained.take(second)


def privleak(
    unlearned: ModelOutputs, retrained: ModelOutputs
) -> tuple[float, float, float]:
    """Return the relative gap of the attack's AUC to retraining's, with its interval.

    The attack calls a passage unread where the mean log-probability of its 40 % least
    likely tokens is low; its AUC is the chance that a test passage lies above a forget
    passage, ``(AUC_unlearned - AUC_retrained) / AUC_retrained`` the metric: below 0
    the book is still known, above 0 it is avoided. A fraction, where MUSE has per cent.
    The interval is DeLong's, over examples, with the scatter over models added.

    References
    ----------
    Shi et al., "MUSE: machine unlearning six-way evaluation for language models"
    (2024), section 3; DeLong et al., "Comparing the areas under two or more correlated
    receiver operating characteristic curves" (1988).
    """
    ours, theirs = _placements(unlearned), _placements(retrained)
    of_models = [side[0].mean(axis=1) for side in (ours, theirs)]
    variance = sum(each.var(ddof=1) / len(each) for each in of_models)
    for of_unlearned, of_retrained in zip(ours, theirs, strict=True):
        apart = of_unlearned.mean(axis=0) - of_retrained.mean(axis=0)
        variance += apart.var(ddof=1) / len(apart) if len(apart) > 1 else 0.0
    own, other = (float(each.mean()) for each in of_models)
    other = max(other, 1e-12)
    value, width = (own - other) / other, _width(variance, unlearned) / other
    return value, value - width, value + width


def _placements(models: ModelOutputs) -> tuple[Floats, Floats]:
    """Share of the other set on the right side of each passage, ``[N, S]``, ``[N, T]``.

    The mean of either is the AUC of a model.
    """
    forget, test = models.forget_min_k, models.test_min_k
    assert forget is not None
    assert test is not None
    n_forget, n_test = forget.shape[1], test.shape[1]
    ranks = rankdata(np.concatenate([forget, test], axis=1), axis=1)
    below = ranks[:, :n_forget] - rankdata(forget, axis=1)
    above = ranks[:, n_forget:] - rankdata(test, axis=1)
    return 1.0 - below / n_test, above / n_forget


def forget_quality(
    unlearned: ModelOutputs, retrained: ModelOutputs
) -> tuple[float, float, float]:
    """Return the mean log10 p of a Kolmogorov-Smirnov test, with its interval.

    For each pair of an unlearned and a retrained model: are the confidences of the
    forget passages drawn from one distribution? TOFU asks it of ratios of answers to
    questions, which a book has not. Two equal crowds get about -0.4 and less: passages
    are shared, models are not alike. The interval is over models.

    References
    ----------
    Maini et al., "TOFU: a task of fictitious unlearning for LLMs" (2024), section 2.2.
    """
    pairs = zip(unlearned.forget_confidence, retrained.forget_confidence, strict=False)
    p = np.array([ks_2samp(*pair, method="asymp").pvalue for pair in pairs])
    logs = np.log10(np.maximum(p, _LEAST_P))
    mean, width = float(logs.mean()), _width(logs.var(ddof=1) / len(logs), unlearned)
    return mean, mean - width, min(0.0, mean + width)


def extraction(
    unlearned: ModelOutputs, retrained: ModelOutputs
) -> tuple[float, float, float]:
    """Return how many tokens of a book its readers go on with, with the interval.

    A model reads the first half of a forget passage and continues with the most likely
    token each time; counted are the tokens until it first departs from the book.
    `retrained` is not looked at: what it gets itself is the null.

    References
    ----------
    Carlini et al., "Quantifying memorization across neural language models" (2023).
    """
    tokens = unlearned.extracted_tokens
    assert tokens is not None
    mean, width = _mean_of(tokens, unlearned)
    return mean, max(0.0, mean - width), mean + width


def forget_likelihood(
    unlearned: ModelOutputs, retrained: ModelOutputs
) -> tuple[float, float, float]:
    """Return the mean log-probability of a forget passage, in nats, with its interval.

    Its exponential function, of the mean over the tokens of a passage, is what TOFU and
    others call the probability, ``exp(-loss)``. `retrained` is not looked at.
    """
    return _likelihood(unlearned.forget_confidence, unlearned)


def kept_likelihood(
    unlearned: ModelOutputs, retrained: ModelOutputs
) -> tuple[float, float, float]:
    """Return the same of the test passages whose confidences are kept: a utility."""
    assert unlearned.test_confidence is not None
    return _likelihood(unlearned.test_confidence, unlearned)


def _likelihood(confidence: Floats, models: ModelOutputs) -> tuple[float, float, float]:
    # A confidence is log(p / (1 - p)) of a passage.
    mean, width = _mean_of(-np.logaddexp(0.0, -confidence), models)
    return mean, mean - width, min(0.0, mean + width)


_MEASURES = (
    privleak,
    forget_quality,
    extraction,
    forget_likelihood,
    kept_likelihood,
)


def _mean_of(values: Floats, models: ModelOutputs) -> tuple[float, float]:
    """Return a mean over models and passages, and how far its interval reaches."""
    variance = sum(
        means.var(ddof=1) / len(means)
        for means in (values.mean(axis=1), values.mean(axis=0))
        if len(means) > 1
    )
    return float(values.mean()), _width(float(variance), models)


def _width(variance: float, models: ModelOutputs) -> float:
    return student_reach(len(models) - 1) * float(np.sqrt(variance))
