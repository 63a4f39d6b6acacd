"""The starting kit's membership inference attack: a threshold on the loss."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.metric_value import Direction, MetricValue, missing
from harness.metrics.uncertainty.interval import student_reach
from harness.models.outputs import Floats, ModelOutputs

NAME = "loss-threshold MIA accuracy"

SPLITS = 10
"""Random splits of the examples into those to fit on and those to guess."""

HELD_OUT = 0.1
"""Share of the examples of either kind that is guessed in each split."""

LEAST_EXAMPLES = 10
"""Fewest examples of either kind, so that a split holds one of each out."""

MOST_MODELS = 32
"""The attack is run on this many models at most, evenly spread over those given."""

_NEWTON_STEPS = 30
_HALVINGS = 10
_ROUNDING = 1e-12


def loss(confidences: Floats) -> Floats:
    """Return the cross-entropy ``log(1 + exp(-conf))`` of logit-scaled confidences.

    Because ``conf = log(p / (1 - p))``, this is ``-log p``.
    """
    return np.asarray(np.logaddexp(0.0, -confidences))


def loss_attack_accuracies(forget: Floats, test: Floats, *, seed: int) -> Floats:
    """Return how often the loss tells a forget example from a test example.

    For each of 32 models at most: losses of equally many forget and test examples (the
    larger set is drawn from at random, the same for every model), a logistic regression
    of "forget" on the loss, fitted on nine tenths of each kind and tried on the rest,
    its accuracy averaged over ten random splits. 0.5 is a coin; what a retrained model
    gets is the number to match.

    References
    ----------
    `simple_mia` of the NeurIPS'23 machine unlearning starting kit: scikit-learn's
    LogisticRegression (L2 with C = 1) under StratifiedShuffleSplit.
    """
    rng = np.random.default_rng(seed)
    size = min(forget.shape[1], test.shape[1])
    chosen = np.linspace(0, len(forget) - 1, min(len(forget), MOST_MODELS)).astype(int)
    members, others = (
        loss(models[chosen][:, rng.permutation(models.shape[1])[:size]])
        for models in (forget, test)
    )
    scores = [_split_accuracy(members, others, rng) for _ in range(SPLITS)]
    return np.asarray(np.mean(scores, axis=0))


def loss_attack_metrics(comparison: Comparison) -> tuple[MetricValue, ...]:
    """Return the mean attack accuracy on unlearned models; its null is on retrained.

    The interval adds the scatter over models to the binomial scatter over examples,
    as all models share the examples: a little too wide rather than too narrow.
    """
    unlearned, retrained = _sets(comparison.unlearned), _sets(comparison.retrained)
    if unlearned is None or retrained is None:
        reason = "needs the confidences of the same models on test examples"
        return (missing(NAME, Direction.NULL, reason),)
    examples = min(each.shape[1] for each in (*unlearned, *retrained))
    if examples < LEAST_EXAMPLES:
        need = f"needs {LEAST_EXAMPLES} forget and test examples"
        reason = f"{need}; there are {examples}"
        return (missing(NAME, Direction.NULL, reason),)
    accuracies = loss_attack_accuracies(*unlearned, seed=comparison.seed)
    mean, models = float(accuracies.mean()), len(accuracies)
    guessed = 2 * min(each.shape[1] for each in unlearned)
    variance = accuracies.var(ddof=1) / models + mean * (1.0 - mean) / guessed
    width = student_reach(models - 1) * float(np.sqrt(variance))
    null = loss_attack_accuracies(*retrained, seed=comparison.seed)
    ends = max(0.0, mean - width), min(1.0, mean + width)
    at_best = float(null.mean())
    return (
        MetricValue(NAME, mean, *ends, Direction.NULL, at_best, null_models=len(null)),
    )


def _sets(models: ModelOutputs) -> tuple[Floats, Floats] | None:
    if models.test_confidence is None:
        return None
    return models.forget_confidence, models.test_confidence


def _split_accuracy(
    members: Floats, others: Floats, rng: np.random.Generator
) -> Floats:
    """Fit on a random nine tenths of either kind, return the accuracy on the rest."""
    held = max(1, round(HELD_OUT * members.shape[1]))
    members = members[:, rng.permutation(members.shape[1])]
    others = others[:, rng.permutation(others.shape[1])]
    x = np.concatenate([members[:, held:], others[:, held:]], axis=1)
    y = np.repeat([1.0, 0.0], members.shape[1] - held)
    slope, intercept = fit_logistic(x, y)
    hits = _guess(members[:, :held], slope, intercept).sum(axis=1)
    hits += (~_guess(others[:, :held], slope, intercept)).sum(axis=1)
    return np.asarray(hits / (2 * held))


def _guess(losses: Floats, slope: Floats, intercept: Floats) -> NDArray[np.bool_]:
    return np.asarray(slope[:, None] * losses + intercept[:, None] > 0.0)


def fit_logistic(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Fit ``P(y = 1) = 1 / (1 + exp(-(slope x + intercept)))`` to each row of `x`.

    Minimises ``slope² / 2 + sum of the log losses`` by Newton steps, each halved until
    it does not lead uphill.
    """
    beta = np.zeros((len(x), 2))
    for _ in range(_NEWTON_STEPS):
        step = _newton_step(x, y, beta)
        beta = _downhill(x, y, beta, step)
        if np.abs(step).max() < 1e-8:
            break
    return beta[:, 0], beta[:, 1]


def _newton_step(x: Floats, y: Floats, beta: Floats) -> Floats:
    """Return the Newton step of each row's slope and intercept, ``[N, 2]``."""
    p = expit(beta[:, :1] * x + beta[:, 1:])
    residual, weight = p - y, np.maximum(p * (1.0 - p), 1e-12)
    slope = (residual * x).sum(axis=1) + beta[:, 0]
    intercept = residual.sum(axis=1)
    a, b = (weight * x * x).sum(axis=1) + 1.0, (weight * x).sum(axis=1)
    c = weight.sum(axis=1)
    determinant = a * c - b * b
    steps = b * intercept - c * slope, b * slope - a * intercept
    return np.asarray(np.stack(steps, axis=1) / determinant[:, None])


def _downhill(x: Floats, y: Floats, beta: Floats, step: Floats) -> Floats:
    """Return `beta` moved by `step`, halved in the rows where the loss would rise."""
    before = _objective(x, y, beta)
    for _ in range(_HALVINGS):
        # At the foot of the valley, rounding alone would look uphill.
        uphill = _objective(x, y, beta + step) > before * (1.0 + _ROUNDING)
        if not uphill.any():
            break
        step = np.where(uphill[:, None], step / 2, step)
    return beta + step


def _objective(x: Floats, y: Floats, beta: Floats) -> Floats:
    """Return the penalised log loss of each row, ``[N]``."""
    z = beta[:, :1] * x + beta[:, 1:]
    # log(1 + e^z), written for speed: `numpy.logaddexp` takes three times as long.
    log_loss = np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0.0) - y * z
    return np.asarray(log_loss.sum(axis=1) + beta[:, 0] ** 2 / 2)
