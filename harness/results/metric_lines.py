"""The field's other metrics and the flags, as lines for people."""

from collections.abc import Iterator
from typing import Any

_NAME_WIDTH = 33


def metric_lines(metrics: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a heading and a line a metric: value, interval, and retraining's own."""
    yield f"{'':<{_NAME_WIDTH}}{'value':>9}{'95 % interval':>20}{'retraining':>12}"
    for row in metrics:
        name = f"{row['name']:<{_NAME_WIDTH}}"
        if row["value"] is None:
            yield f"{name}{row['reason_missing']}"
            continue
        interval = (
            "-" if row["low"] is None else f"{row['low']:.4f} to {row['high']:.4f}"
        )
        null = "-" if row["null"] is None else f"{row['null']:.4f}"
        yield f"{name}{row['value']:>9.4f}{interval:>20}{null:>12}"


def precision_lines(precision: list[dict[str, Any]]) -> Iterator[str]:
    """Yield how the interval of F narrows with the number of models."""
    yield f"{'N':>6}{'F':>9}{'95 % interval':>20}"
    for row in precision:
        interval = f"{row['low']:.4f} to {row['high']:.4f}"
        yield f"{row['n_models']:>6}{row['mean']:>9.4f}{interval:>20}"
