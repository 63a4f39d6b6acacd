"""Tables of the metrics of the literature, and why F is low, as lines for people."""

import textwrap
from collections.abc import Iterator, Sequence

from harness.metrics.literature.metric_value import MetricValue
from harness.metrics.official.diagnosis import Diagnosis
from harness.metrics.uncertainty.sample_size import SampleSizeRow

_NAME_WIDTH, _WIDTH = 33, 80
#: A space, and the widest that there can be: "-300.0000 to -300.0000", log10 of a p.
_INTERVAL_WIDTH = 23


def metric_lines(metrics: Sequence[MetricValue]) -> Iterator[str]:
    """Yield a heading and a line a metric: value, interval, and retraining's own."""
    interval = f"{'95 % interval':>{_INTERVAL_WIDTH}}"
    yield f"{'':<{_NAME_WIDTH}}{'value':>9}{interval}{'retraining':>12}"
    for row in metrics:
        name = f"{row.name:<{_NAME_WIDTH}}"
        if row.value is None:
            words = f"{name}{row.reason_missing}"
            indent = " " * _NAME_WIDTH
            yield from textwrap.wrap(words, _WIDTH, subsequent_indent=indent)
            continue
        null = "-" if row.null is None else f"{row.null:.4f}"
        interval = f"{interval_text(row.low, row.high):>{_INTERVAL_WIDTH}}"
        yield f"{name}{row.value:>9.4f}{interval}{null:>12}"


def precision_lines(precision: Sequence[SampleSizeRow]) -> Iterator[str]:
    """Yield how the interval of the official F narrows with the number of models."""
    yield f"{'N':>6}{'official F':>12}{'95 % interval':>{_INTERVAL_WIDTH}}"
    for row in precision:
        interval = interval_text(row.low, row.high)
        yield f"{row.n_models:>6}{row.mean:>12.4f}{interval:>{_INTERVAL_WIDTH}}"


def diagnosis_lines(found: Diagnosis, calibrated: bool) -> Iterator[str]:
    """Yield what to work on, what promises most first."""
    quality = "calibrated F" if calibrated else "F"
    told = {
        f"{_randomness(found.spread)} the spread over runs is {found.spread:.2f} of "
        "retraining's": found.rescaled,
        f"Shift: the mean of the runs is {found.shift:.2f} spreads of retraining away "
        "from its own": found.centred,
    }
    for words, value in sorted(told.items(), key=lambda each: -each[1]):
        yield f"{words}; put right, {quality} would be {value:.4f}."


def _randomness(spread: float) -> str:
    if 0.9 < spread < 1.1:
        return "Randomness:"
    return f"Too {'much' if spread > 1 else 'little'} randomness:"


def interval_text(low: float | None, high: float | None, digits: int = 4) -> str:
    """Show an interval, or a dash where there is none."""
    if low is None or high is None:
        return "-"
    return f"{low:.{digits}f} to {high:.{digits}f}"
