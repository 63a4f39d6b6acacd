"""All metrics of the literature: the same names, values or reasons; and packages'."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UsageError
from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.half_sampling import MetricKind, measure
from harness.metrics.literature.language import NAMES as LANGUAGE_NAMES
from harness.metrics.literature.metric_value import Direction, MetricValue
from harness.metrics.literature.registry import literature_metrics, shipped_names
from tests.metrics.tables import compared, outputs


def benchmark(models, examples=40, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    shape = (models, examples)
    test = rng.normal(size=(2, models, 40))
    shares = [rng.uniform(0.4, 0.6, (3, models)) for _ in range(2)]
    forget = rng.normal(shift, 1, shape), rng.normal(size=shape)
    tables = (
        outputs(forget[k], accuracies=shares[k], test_confidence=test[k])
        for k in (0, 1)
    )
    return Comparison(*tables, seed=seed)


def test_every_metric_has_a_value_at_n_64_or_says_what_it_needs():
    metrics = literature_metrics(benchmark(64))
    missing = {m.name for m in metrics if m.value is None}
    assert missing == {"U-LiRA TPR at 1 % FPR", "U-LiRA TPR at 0.1 % FPR"}
    for metric in metrics:
        assert (metric.value is None) == bool(metric.reason_missing)
        if metric.low is not None:
            assert metric.low <= metric.value <= metric.high


def test_few_models_leave_the_metrics_that_can_do_with_few():
    by_name = {m.name: m for m in literature_metrics(benchmark(4))}
    assert by_name["ToW"].value is not None
    assert by_name["loss-threshold MIA accuracy"].value is not None
    assert by_name["KLOM mean"].reason_missing.startswith("needs N ≥ 8")
    assert by_name["certified ε"].reason_missing.startswith("needs N ≥ 5")


def test_without_test_confidences_and_accuracies_the_others_still_come():
    rng = np.random.default_rng(0)
    bare = compared(rng.normal(size=(2, 16, 5)))
    metrics = literature_metrics(bare)
    assert [m.name for m in metrics] == [
        m.name for m in literature_metrics(benchmark(16))
    ]
    by_name = {m.name: m for m in metrics}
    assert by_name["ToW"].reason_missing.startswith("needs the accuracies")
    assert by_name["KLOM mean"].value is not None


def test_the_same_seed_gives_the_same_numbers_and_the_inputs_stay():
    inputs = benchmark(16, examples=8, seed=3)
    before = inputs.unlearned.forget_confidence.copy()
    assert literature_metrics(inputs) == literature_metrics(inputs)
    assert (inputs.unlearned.forget_confidence == before).all()


def test_every_lower_is_better_metric_rises_when_nothing_was_unlearned():
    honest = {m.name: m for m in literature_metrics(benchmark(64))}
    leaky = {m.name: m for m in literature_metrics(benchmark(64, shift=3.0))}
    for name, metric in honest.items():
        if metric.value is not None and metric.direction is Direction.LOWER:
            assert leaky[name].value > metric.value, name


def test_a_zero_variance_benchmark_gives_numbers_without_warnings():
    same = np.full((16, 3), 1.0)
    models = outputs(same, test_confidence=np.ones((16, 12)))
    inputs = Comparison(models, models)
    by_name = {m.name: m.value for m in literature_metrics(inputs)}
    assert by_name["KLOM P95"] == by_name["Kolmogorov–Smirnov"] == 0.0
    assert by_name["GDP µ"] == by_name["certified ε"] == 0.0


def test_arrays_that_do_not_belong_together_are_refused():
    good = np.zeros((8, 3))
    with pytest.raises(UsageError, match="test confidences are of 7 models"):
        outputs(good, test_confidence=np.zeros((7, 4)))
    with pytest.raises(UsageError, match="held-out confidences cover 2 examples"):
        compared((good, good), np.zeros((8, 2)))
    with pytest.raises(UsageError, match="cover 3 examples and the retrained ones 2"):
        compared((good, np.zeros((8, 2))))
    with pytest.raises(UsageError, match="NaN or infinite"):
        compared((good, np.full((8, 3), np.inf)))


def test_one_held_out_model_is_no_null():
    rng = np.random.default_rng(0)
    one = compared(rng.normal(size=(2, 16, 5)), rng.normal(size=(1, 5)))
    none = compared(rng.normal(size=(2, 16, 5)))
    sizes = [[m.null_models for m in literature_metrics(each)] for each in (one, none)]
    assert sizes[0] == sizes[1]


def test_the_half_sampled_interval_of_a_mean_is_that_of_theory():
    """The mean difference of N against N values of unit variance."""
    rng = np.random.default_rng(0)
    kind = MetricKind("difference", Direction.LOWER, -np.inf, np.inf)
    widths = []
    for seed in range(40):
        (metric,) = measure(
            (kind,),
            lambda pair: np.array([pair.unlearned.mean() - pair.retrained.mean()]),
            compared(rng.normal(size=(2, 64, 1)), seed=seed),
        )
        widths.append((metric.high - metric.low) / 2)
    assert np.mean(widths) == pytest.approx(2.02 * np.sqrt(2 / 64), rel=0.1)


def test_a_metric_cannot_be_built_without_value_and_reason():
    good = MetricValue("x", 1.0, None, None, Direction.LOWER, None)
    for change in ({"value": None}, {"reason_missing": "why"}, {"value": float("nan")}):
        with pytest.raises(ValueError, match="x: "):
            dataclasses.replace(good, **change)


INSTALLED = """\
from harness.metrics.literature.metric_value import Direction, MetricValue


def median_gap(comparison):
    unlearned, retrained = comparison.pair
    gap = float(unlearned.mean() - retrained.mean())
    yield MetricValue("median gap", gap, None, None, Direction.NULL, None)


def broken(comparison):
    raise ValueError("no such thing\\nas this")


def other(comparison):
    return [1.0]


def again(comparison):
    return [MetricValue("KLOM mean", 0.0, None, None, Direction.LOWER, None)]
"""
SHOWN = """\
import sys
import numpy as np
from tests.metrics.tables import compared
from harness.metrics.literature.registry import literature_metrics, shipped_names

pair = np.random.default_rng(0).normal(size=(2, 8, 5))
for metric in literature_metrics(compared(pair)):
    print(metric.name, metric.value, metric.reason_missing, sep="|")
"""


@pytest.fixture
def shown(tmp_path):
    """Installs a package with the given entry points, then computes all metrics."""

    def show(**entries):
        (tmp_path / "theirs.py").write_text(INSTALLED)
        info = tmp_path / "theirs-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\n")
        lines = [f"{name} = theirs:{where}" for name, where in entries.items()]
        (info / "entry_points.txt").write_text(
            "\n".join(["[unlearn_eval.metrics]", *lines])
        )
        path = os.pathsep.join([str(tmp_path), str(Path.cwd())])
        done = subprocess.run(
            [sys.executable, "-c", SHOWN],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        return [line.split("|") for line in done.stdout.splitlines()]

    return show


def test_a_metric_of_an_installed_package_comes_after_those_that_ship(shown):
    pair = np.random.default_rng(0).normal(size=(2, 8, 5))
    names = [metric.name for metric in literature_metrics(compared(pair))]
    found = shown(zeta="median_gap")
    assert [name for name, *_ in found] == [*names, "median gap"]
    assert float(found[-1][1]) == pair[0].mean() - pair[1].mean()


def test_a_package_that_fails_is_named_and_does_no_harm(shown):
    ours = shown(gap="median_gap", c="broken", b="nowhere", d="other", a="again")
    assert [name for name, *_ in ours[-5:]] == ["a", "b", "c", "d", "median gap"]
    reasons = [reason for *_, reason in ours[-5:]]
    assert reasons[0].endswith("failed: there is a metric 'KLOM mean' already")
    assert reasons[1].startswith("the metric 'b' of theirs:nowhere failed: Attribute")
    assert reasons[2] == (
        "the metric 'c' of theirs:broken failed: ValueError: no such thing"
    )
    assert reasons[3].endswith("it gave something else than MetricValue")
    assert reasons[4] == "None"


def test_a_package_that_fails_takes_no_name_of_a_metric_that_ships(shown):
    names = [name for name, *_ in shown(**{"KLOM mean": "broken"})]
    assert names[-1] == "KLOM mean (theirs:broken)"
    assert names.count("KLOM mean") == 1


def test_the_metrics_that_ship_have_their_names_whatever_they_are_computed_from(shown):
    names = [name for name, *_ in shown(zeta="median_gap")]
    assert {*names[:-1], *LANGUAGE_NAMES} == shipped_names()
    assert not {*names} & {*LANGUAGE_NAMES}
