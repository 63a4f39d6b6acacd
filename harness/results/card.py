"""The score card: a result for people, at most 80 columns wide."""

import io
from collections.abc import Iterator
from statistics import median

from rich.box import ROUNDED
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from harness.results.metric_lines import diagnosis_lines, interval_text
from harness.results.schema import Accuracy, Metrics, Number, Result

WIDTH = 80
#: Of more, a card has the range of what retraining cost.
_MOST_MACHINES = 4


def score_card(result: Result) -> str:
    """Render a result as text of at most 80 columns."""
    parts: list[RenderableType] = []
    if result.reason:
        parts.append(Text(f"{result.status}: {result.reason}"))
    if result.traceback:
        parts.append(Text("\n" + result.traceback + "\n"))
    if result.repeat:
        parts.append(Text(f"Repeat just that run: {result.repeat}"))
    if result.is_complete:
        parts += [_table(result.metrics), Text("\n" + "\n".join(sentences(result)))]
    title = Text(f"{result.provenance.track} · {_title(result)}")
    panel = Panel(Group(*parts), title=title, title_align="left", box=ROUNDED)
    buffer = io.StringIO()
    Console(file=buffer, width=WIDTH, color_system=None, highlight=False).print(panel)
    return buffer.getvalue().rstrip("\n")


def _title(result: Result) -> str:
    title = result.about.title or result.name
    return f"{title} (reference)" if result.is_reference else title


def numbers_of(metrics: Metrics) -> dict[str, Number | Accuracy]:
    """Return the numbers that a card shows with their intervals, by their names."""
    rows = {
        "calibrated score": metrics.calibrated_score,
        "calibrated F": metrics.calibrated_forgetting_quality,
        "official score": metrics.score,
        "official F": metrics.forgetting_quality,
        "retain accuracy RA": metrics.retain_accuracy,
        "test accuracy TA": metrics.test_accuracy,
        "forget accuracy": metrics.forget_accuracy,
    }
    return {label: found for label, found in rows.items() if found is not None}


def _table(metrics: Metrics) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("", no_wrap=True)
    for heading in ("value", "95 % interval", "ceiling", "floor"):
        table.add_column(heading, justify="right", no_wrap=True)
    for label, found in numbers_of(metrics).items():
        table.add_row(label, *_cells(found))
    if metrics.epsilon is not None:
        table.add_row("median epsilon", _text(metrics.epsilon.value, 2), "-", "-", "-")
    if (efficiency := metrics.efficiency) is not None:
        cap = f"cap {efficiency.cap:.2f}"
        ratio = _text(efficiency.ratio, 3)
        interval = interval_text(efficiency.low, efficiency.high, 3)
        table.add_row("efficiency ratio", ratio, interval, cap)
    return table


def _cells(found: Number | Accuracy) -> list[str]:
    interval = interval_text(found.low, found.high)
    around = [_text(number, 4) for number in (found.ceiling, found.floor)]
    return [_text(found.value, 4), interval, *around]


def _text(number: float | None, digits: int) -> str:
    return "-" if number is None else f"{number:.{digits}f}"


def sentences(result: Result, *, alone: bool = True) -> Iterator[str]:
    """Yield what a card says below its numbers.

    Unless it stands `alone`: on a page the share of the ceiling, the ratios, N, flags
    and isolation have places of their own.
    """
    metrics = result.metrics
    if (score := metrics.ranked_score) is not None:
        if alone and score.share_of_ceiling is not None:
            share = f"{score.share_of_ceiling:.0%}"
            yield f"The score is {share} of what retraining itself gets."
        yield from _meaning(score)
    if metrics.diagnosis is not None:
        calibrated = metrics.calibrated_forgetting_quality is not None
        yield from diagnosis_lines(metrics.diagnosis, calibrated)
    if metrics.forgetting_quality and metrics.forgetting_quality.ceiling_reason:
        yield f"No ceiling: {metrics.forgetting_quality.ceiling_reason}"
    if unknown := result.unknown_cost:
        yield f"{unknown[0].upper()}{unknown[1:]}; it takes no rank."
    if alone:
        yield _ratios_and_n(result)
    yield from _machines(result)
    waited = result.provenance.retraining_waited
    if waited > 0.25:
        yield (
            f"The machine was busy (retrainings waited {waited:.0%} of their time for "
            "a core): the efficiency ratio may be off."
        )
    if metrics.epsilon and metrics.epsilon.undetermined:
        undetermined = metrics.epsilon.undetermined
        yield f"{undetermined} examples undetermined: their epsilon counts 50."
    if alone:
        yield from (f"! {flag.message}" for flag in metrics.flags)
        yield _isolation(result)


def _ratios_and_n(result: Result) -> str:
    metrics, originals = result.metrics, result.provenance.originals
    of = f" of each of {originals} originals" if originals > 1 else ""
    return (
        f"Ratios RA {_ratio(metrics.retain_accuracy)}, "
        f"TA {_ratio(metrics.test_accuracy)}; "
        f"N = {result.n_models} unlearned models{of}, {result.n_models} retrained."
    )


def _isolation(result: Result) -> str:
    isolation = result.provenance.isolation
    missing = ", ".join(isolation.not_enforced)
    level = f"Isolation: {isolation.level}"
    return f"{level}; not enforced: {missing}." if missing else f"{level}."


def _machines(result: Result) -> Iterator[str]:
    machines = result.provenance.machines
    if not machines:
        return
    costs = {
        one.name.partition(":")[0]: median(one.retraining_seconds)
        for one in machines
        if one.retraining_seconds
    }
    listed = ", ".join(f"{name} {cost:.1f} s" for name, cost in costs.items())
    if len(costs) > _MOST_MACHINES:
        listed = f"{min(costs.values()):.1f} to {max(costs.values()):.1f} s"
    of = f" (a retraining: {listed})" if costs else ""
    yield f"{_count(len(machines), 'machine')} of a cluster took part{of}."
    if len({one.arithmetic for one in machines}) > 1:
        yield "Their arithmetic differs: a run's bits depend on its machine."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _meaning(score: Number) -> Iterator[str]:
    low, high = score.low_repeated, score.high_repeated
    if low is not None and high is not None:
        yield f"Scored again, 95 % fall between {low:.4f} and {high:.4f}."
    if score.not_covered is not None:
        yield score.not_covered


def _ratio(accuracy: Accuracy | None) -> str:
    """Show a ratio; there is none to retrained models that are always wrong."""
    return "-" if accuracy is None else _text(accuracy.ratio, 3)
