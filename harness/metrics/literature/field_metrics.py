"""The rest of the field's metrics, all from the same stored arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import UsageError
from harness.metrics.attacks.certified import LEAST_MODELS, certified_epsilon
from harness.metrics.inputs.confidence import (
    ConfidencePair,
    confidence_matrix,
    confidence_pair,
)
from harness.metrics.inputs.model_halves import null_pair
from harness.metrics.literature.accuracy_gaps import Accuracies, gap_metrics
from harness.metrics.literature.gaussian_dp import certified_mu, gdp_metrics
from harness.metrics.literature.half_sampling import Comparison
from harness.metrics.literature.klom import klom_metrics
from harness.metrics.literature.kolmogorov_smirnov import ks_metrics
from harness.metrics.literature.loss_attack import NAME as LOSS_ATTACK
from harness.metrics.literature.loss_attack import loss_attack_metric
from harness.metrics.literature.metric_value import Direction, MetricValue, missing
from harness.metrics.literature.tug_of_war import tow_metric
from harness.metrics.literature.ulira import ulira_metrics

CERTIFIED_NAMES = ("certified ε", "certified ε of the worst example", "certified GDP µ")


@dataclass(frozen=True)
class FieldInputs:
    """Everything the field's metrics are computed from, checked by `field_inputs`.

    Attributes
    ----------
    forget : ConfidencePair
        ``[N, S]`` and ``[M, S]`` confidences on the forget set.
    test : tuple of two ndarray, or None
        ``[N, T]`` and ``[M, T]`` confidences of the same models on test examples.
    accuracies : tuple of two Accuracies, or None
        Of the unlearned and of the retrained models.
    held_out : ndarray, shape [H, S], or None
        Further retrained models, for nulls at full size.
    """

    forget: ConfidencePair
    test: tuple[NDArray[np.float64], NDArray[np.float64]] | None
    accuracies: tuple[Accuracies, Accuracies] | None
    held_out: NDArray[np.float64] | None


def field_inputs(
    unlearned: ArrayLike,
    retrained: ArrayLike,
    *,
    test: tuple[ArrayLike, ArrayLike] | None = None,
    accuracies: tuple[Accuracies, Accuracies] | None = None,
    held_out: ArrayLike | None = None,
) -> FieldInputs:
    """Check the arrays and return them together.

    Parameters
    ----------
    unlearned, retrained : array_like, shape [N, S] and [M, S]
    test : tuple of two array_like, shape [N, T] and [M, T], optional
    accuracies : tuple of two Accuracies, optional
    held_out : array_like, shape [H, S], optional

    Raises
    ------
    UsageError
        See `harness.metrics.inputs.confidence.confidence_pair`; also when the test
        confidences are of another number of models, or `held_out` of other examples.
    """
    forget = confidence_pair(unlearned, retrained)
    outside = None if held_out is None else confidence_matrix(held_out, "held-out")
    if outside is not None and outside.shape[1] != forget.retrained.shape[1]:
        raise UsageError(
            f"The held-out confidences cover {outside.shape[1]} examples and the "
            f"retrained ones {forget.retrained.shape[1]}; give both on the same "
            "forget set."
        )
    return FieldInputs(forget, _test_pair(test, forget), accuracies, outside)


def _test_pair(
    test: tuple[ArrayLike, ArrayLike] | None, forget: ConfidencePair
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Check the test confidences against the number of models."""
    if test is None:
        return None
    pair = confidence_pair(*test)
    for side, on_test, on_forget in zip(
        ("unlearned", "retrained"), pair, forget, strict=True
    ):
        if len(on_test) != len(on_forget):
            raise UsageError(
                f"The {side} test confidences are of {len(on_test)} models and the "
                f"forget ones of {len(on_forget)}; give both of the same models."
            )
    return pair.unlearned, pair.retrained


def field_metrics(inputs: FieldInputs, *, seed: int) -> tuple[MetricValue, ...]:
    """Compute every metric that the inputs allow; the others say what they need.

    Parameters
    ----------
    inputs : FieldInputs
    seed : int
        Decides halves and resamples; each metric draws its own.

    Returns
    -------
    tuple of MetricValue
        Certified bounds, U-LiRA, KLOM, GDP, Kolmogorov–Smirnov, loss attack, ToW,
        accuracy gaps; always the same names in the same order.
    """
    comparison = Comparison(inputs.forget, inputs.held_out, seed)
    return (
        *certified_metrics(comparison),
        *ulira_metrics(comparison),
        *klom_metrics(comparison),
        *gdp_metrics(comparison),
        *ks_metrics(comparison),
        _loss_attack(inputs, seed),
        *_accuracy_metrics(inputs, seed),
    )


def certified_metrics(comparison: Comparison) -> tuple[MetricValue, ...]:
    """Return mean and worst certified ε and mean certified µ, bounds by themselves."""
    unlearned, retrained = comparison.pair
    models = min(len(unlearned), len(retrained))
    if models < LEAST_MODELS:
        reason = f"needs N ≥ {LEAST_MODELS} models on either side; there are {models}"
        return tuple(missing(n, Direction.LOWER, reason) for n in CERTIFIED_NAMES)
    values = _certified_values(comparison.pair, comparison.seed)
    rng = np.random.default_rng([comparison.seed, 5])
    null = null_pair(retrained, comparison.held_out, rng)
    nulls = _certified_values(null, comparison.seed)
    return tuple(
        MetricValue(
            name,
            value,
            None,
            None,
            Direction.LOWER,
            at_best,
            null_models=min(len(side) for side in null),
        )
        for name, value, at_best in zip(CERTIFIED_NAMES, values, nulls, strict=True)
    )


def _certified_values(pair: ConfidencePair, seed: int) -> tuple[float, float, float]:
    """Return the values of `CERTIFIED_NAMES`."""
    certified = certified_epsilon(*pair, seed=seed)
    return certified.mean, certified.worst, float(certified_mu(*pair, seed=seed).mean())


def _loss_attack(inputs: FieldInputs, seed: int) -> MetricValue:
    """Run the loss attack where there are test confidences."""
    if inputs.test is None:
        return missing(
            LOSS_ATTACK,
            Direction.NULL,
            "needs the confidences of the same models on test examples",
        )
    return loss_attack_metric(
        (inputs.forget.unlearned, inputs.test[0]),
        (inputs.forget.retrained, inputs.test[1]),
        seed=seed,
    )


def _accuracy_metrics(inputs: FieldInputs, seed: int) -> tuple[MetricValue, ...]:
    """Return ToW and the three gaps where there are accuracies."""
    if inputs.accuracies is None:
        reason = "needs the accuracies of every model on forget, retain and test set"
        names = ("forget accuracy gap", "retain accuracy gap", "test accuracy gap")
        return (
            missing("ToW", Direction.HIGHER, reason),
            *(missing(name, Direction.NULL, reason) for name in names),
        )
    unlearned, retrained = inputs.accuracies
    return (
        tow_metric(unlearned, retrained, seed=seed),
        *gap_metrics(unlearned, retrained, seed=seed),
    )
