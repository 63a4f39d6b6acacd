"""All metrics of the field together: always the same names, values or reasons."""

import dataclasses

import numpy as np
import pytest

from harness.errors import UsageError
from harness.metrics.literature.accuracy_gaps import accuracies
from harness.metrics.literature.field_metrics import field_inputs, field_metrics
from harness.metrics.literature.half_sampling import Comparison, MetricKind, measure
from harness.metrics.literature.metric_value import Direction, MetricValue


def benchmark(models, examples=40, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    shape = (models, examples)
    test = rng.normal(size=(2, models, 40))
    sides = [accuracies(*rng.uniform(0.4, 0.6, (3, models))) for _ in range(2)]
    return field_inputs(
        rng.normal(shift, 1, shape),
        rng.normal(size=shape),
        test=tuple(test),
        accuracies=tuple(sides),
    )


def test_every_metric_has_a_value_at_n_64_or_says_what_it_needs():
    metrics = field_metrics(benchmark(64), seed=0)
    missing = {m.name for m in metrics if m.value is None}
    assert missing == {"U-LiRA TPR at 1 % FPR", "U-LiRA TPR at 0.1 % FPR"}
    for metric in metrics:
        assert (metric.value is None) == bool(metric.reason_missing)
        if metric.low is not None:
            assert metric.low <= metric.value <= metric.high


def test_few_models_leave_the_metrics_that_can_do_with_few():
    by_name = {m.name: m for m in field_metrics(benchmark(4), seed=0)}
    assert by_name["ToW"].value is not None
    assert by_name["loss-threshold MIA accuracy"].value is not None
    assert by_name["KLOM mean"].reason_missing.startswith("needs N ≥ 8")
    assert by_name["certified ε"].reason_missing.startswith("needs N ≥ 5")


def test_without_test_confidences_and_accuracies_the_others_still_come():
    rng = np.random.default_rng(0)
    bare = field_inputs(*rng.normal(size=(2, 16, 5)))
    metrics = field_metrics(bare, seed=0)
    assert [m.name for m in metrics] == [
        m.name for m in field_metrics(benchmark(16), seed=0)
    ]
    by_name = {m.name: m for m in metrics}
    assert by_name["ToW"].reason_missing.startswith("needs the accuracies")
    assert by_name["KLOM mean"].value is not None


def test_the_same_seed_gives_the_same_numbers_and_the_inputs_stay():
    inputs = benchmark(16, examples=8)
    before = inputs.forget.unlearned.copy()
    assert field_metrics(inputs, seed=3) == field_metrics(inputs, seed=3)
    assert (inputs.forget.unlearned == before).all()


def test_every_lower_is_better_metric_rises_when_nothing_was_unlearned():
    honest = {m.name: m for m in field_metrics(benchmark(64), seed=0)}
    leaky = {m.name: m for m in field_metrics(benchmark(64, shift=3.0), seed=0)}
    for name, metric in honest.items():
        if metric.value is not None and metric.direction is Direction.LOWER:
            assert leaky[name].value > metric.value, name


def test_a_zero_variance_benchmark_gives_numbers_without_warnings():
    same = np.full((16, 3), 1.0)
    inputs = field_inputs(same, same, test=(np.ones((16, 12)), np.ones((16, 12))))
    by_name = {m.name: m.value for m in field_metrics(inputs, seed=0)}
    assert by_name["KLOM P95"] == by_name["Kolmogorov–Smirnov"] == 0.0
    assert by_name["GDP µ"] == by_name["certified ε"] == 0.0


def test_arrays_that_do_not_belong_together_are_refused():
    good = np.zeros((8, 3))
    with pytest.raises(UsageError, match="test confidences are of 7 models"):
        field_inputs(good, good, test=(np.zeros((7, 4)), np.zeros((8, 4))))
    with pytest.raises(UsageError, match="held-out confidences cover 2 examples"):
        field_inputs(good, good, held_out=np.zeros((8, 2)))
    with pytest.raises(UsageError, match="NaN or infinite"):
        field_inputs(good, np.full((8, 3), np.inf))


def test_the_half_sampled_interval_of_a_mean_is_that_of_theory():
    """The mean difference of N against N values of unit variance."""
    rng = np.random.default_rng(0)
    kind = MetricKind("difference", Direction.LOWER, -np.inf, np.inf)
    widths = []
    for seed in range(40):
        inputs = field_inputs(*rng.normal(size=(2, 64, 1)))
        (metric,) = measure(
            (kind,),
            lambda pair: np.array([pair.unlearned.mean() - pair.retrained.mean()]),
            Comparison(inputs.forget, None, seed),
        )
        widths.append((metric.high - metric.low) / 2)
    assert np.mean(widths) == pytest.approx(2.02 * np.sqrt(2 / 64), rel=0.1)


def test_a_metric_cannot_be_built_without_value_and_reason():
    good = MetricValue("x", 1.0, None, None, Direction.LOWER, None)
    for change in ({"value": None}, {"reason_missing": "why"}, {"value": float("nan")}):
        with pytest.raises(ValueError, match="x: "):
            dataclasses.replace(good, **change)
