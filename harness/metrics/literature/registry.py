"""Every metric of the literature: those that ship, and those of installed packages.

A metric is a function that takes a `Comparison` and gives one or more `MetricValue`.
To add one here, write it in a file of its own and name it in `SHIPPED`. A package of
anyone adds one without a change here, by an entry point in its ``pyproject.toml``::

    [project.entry-points."unlearn_eval.metrics"]
    "my metric" = "my_package.my_metric:compute"
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.metadata import EntryPoint, entry_points

import numpy as np

from harness.metrics.literature.accuracy_gaps import gap_metrics, tow_metrics
from harness.metrics.literature.certified_bounds import certified_metrics
from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.gaussian_dp import gdp_metrics
from harness.metrics.literature.klom import klom_metrics
from harness.metrics.literature.kolmogorov_smirnov import ks_metrics
from harness.metrics.literature.language import NAMES as LANGUAGE_NAMES
from harness.metrics.literature.language import language_metrics
from harness.metrics.literature.loss_attack import loss_attack_metrics
from harness.metrics.literature.metric_value import Direction, MetricValue, missing
from harness.metrics.literature.ulira import ulira_metrics
from harness.models.outputs import ModelOutputs

LiteratureMetric = Callable[[Comparison], Iterable[MetricValue]]

#: Group of entry points by which a package offers a metric.
ENTRY_POINTS = "unlearn_eval.metrics"
#: In the order in which they are shown.
SHIPPED: tuple[LiteratureMetric, ...] = (
    certified_metrics,
    ulira_metrics,
    klom_metrics,
    gdp_metrics,
    ks_metrics,
    loss_attack_metrics,
    language_metrics,
    tow_metrics,
    gap_metrics,
)


def literature_metrics(comparison: Comparison) -> tuple[MetricValue, ...]:
    """Compute every metric that the comparison allows; the others say what they need.

    First come those that ship, always the same names in the same order; then those of
    installed packages, by the names of their entry points.
    """
    shipped = [value for metric in SHIPPED for value in metric(comparison)]
    return *shipped, *_installed(comparison, {value.name for value in shipped})


@cache
def shipped_names() -> frozenset[str]:
    """Names of the metrics that ship: those are the same on every machine."""
    # A metric has its name also where it cannot be computed; those of language models
    # are there for them alone.
    two = ModelOutputs(forget_confidence=np.zeros((2, 1)))
    shipped = Comparison(two, two)
    names = {value.name for metric in SHIPPED for value in metric(shipped)}
    return frozenset(names) | set(LANGUAGE_NAMES)


def _installed(comparison: Comparison, taken: set[str]) -> Iterator[MetricValue]:
    """Compute the metrics of installed packages, none under a name that is taken."""
    for entry in sorted(entry_points(group=ENTRY_POINTS)):
        values = _values(entry, comparison)
        if twice := [value.name for value in values if value.name in taken]:
            values = [_failed(entry, f"there is a metric {twice[0]!r} already")]
        taken |= {value.name for value in values}
        yield from values


def _values(entry: EntryPoint, comparison: Comparison) -> list[MetricValue]:
    """Compute one installed metric; whatever a stranger's code raises is a reason."""
    try:
        values = list(entry.load()(comparison))
        if not all(isinstance(value, MetricValue) for value in values):
            return [_failed(entry, "it gave something else than MetricValue")]
    except Exception as error:
        what = str(error).splitlines()[0] if str(error) else "without a message"
        return [_failed(entry, f"{type(error).__name__}: {what}")]
    return values


def _failed(entry: EntryPoint, reason: str) -> MetricValue:
    sentence = f"the metric {entry.name!r} of {entry.value} failed: {reason}"
    ours = entry.name in shipped_names()
    name = f"{entry.name} ({entry.value})" if ours else entry.name
    return missing(name, Direction.NULL, sentence)
