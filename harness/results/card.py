"""The score card: a result for people, at most 80 columns wide."""

import io
from typing import Any

from rich.box import ROUNDED
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from harness.results.schema import Result
from harness.status import Status

WIDTH = 80
_ROWS = (
    ("score", "score", 4),
    ("forgetting_quality", "forgetting quality F", 4),
    ("retain_accuracy", "retain accuracy RA", 4),
    ("test_accuracy", "test accuracy TA", 4),
    ("forget_accuracy", "forget accuracy", 4),
    ("epsilon", "median epsilon", 2),
)


def score_card(result: Result) -> str:
    """Render a result as text of at most 80 columns."""
    parts: list[Any] = []
    if result.reason:
        parts.append(Text(f"{result.status}: {result.reason}"))
    if result.traceback:
        parts.append(Text("\n" + result.traceback + "\n"))
    if result.repeat:
        parts.append(Text(f"Repeat just that run: {result.repeat}"))
    if "score" in result.metrics and "epsilon" in result.metrics:
        parts += [_table(result.metrics), Text(_words(result))]
    title = f"{result.provenance['track']} · {_title(result)}"
    panel = Panel(Group(*parts), title=Text(title), title_align="left", box=ROUNDED)
    return _render(panel)


def _title(result: Result) -> str:
    title = str(result.submission.get("title") or result.name)
    return f"{title} (reference)" if result.is_reference else title


def _table(metrics: dict[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("", no_wrap=True)
    for heading in ("value", "95 % interval", "ceiling", "floor"):
        table.add_column(heading, justify="right", no_wrap=True)
    for key, label, digits in _ROWS:
        if key in metrics:
            table.add_row(label, *_cells(metrics[key], digits))
    if "efficiency" in metrics:
        efficiency = metrics["efficiency"]
        cells = _cells({**efficiency, "value": efficiency["ratio"]}, 3)
        table.add_row("efficiency ratio", *cells[:2], f"cap {efficiency['cap']:.2f}")
    return table


def _cells(metric: dict[str, Any], digits: int) -> list[str]:
    def number(key: str) -> str:
        value = metric.get(key)
        return "-" if value is None else f"{value:.{digits}f}"

    low, high = number("low"), number("high")
    interval = "-" if low == "-" else f"{low} to {high}"
    return [number("value"), interval, number("ceiling"), number("floor")]


def _words(result: Result) -> str:
    metrics, isolation = result.metrics, result.provenance["isolation"]
    lines = []
    share = metrics["score"].get("share_of_ceiling")
    if share is not None:
        lines.append(f"The score is {share:.0%} of what retraining itself gets.")
    low, high = (metrics["score"].get(f"{end}_repeated") for end in ("low", "high"))
    if low is not None and high is not None:
        lines.append(f"Scored again, 95 % fall between {low:.4f} and {high:.4f}.")
    reason = metrics["forgetting_quality"].get("ceiling_reason")
    if reason:
        lines.append(f"No ceiling: {reason}")
    if unknown := result.unknown_cost:
        lines.append(f"{unknown[0].upper()}{unknown[1:]}; it takes no rank.")
    n = result.n_models
    retain, test = metrics["retain_accuracy"], metrics["test_accuracy"]
    lines.append(
        f"Ratios RA {_ratio(retain)}, TA {_ratio(test)}; "
        f"N = {n} unlearned, {n} retrained models."
    )
    waited = result.provenance.get("retraining_waited", 0.0)
    if waited > 0.25:
        lines.append(
            f"The machine was busy (retrainings waited {waited:.0%} of their time for "
            "a core): the efficiency ratio may be off."
        )
    undetermined = metrics["epsilon"].get("undetermined", 0)
    if undetermined:
        lines.append(f"{undetermined} examples undetermined: their epsilon counts 50.")
    for flag in metrics.get("flags", []):
        lines.append(f"! {flag['message']}")
    missing = ", ".join(isolation["not_enforced"])
    level = f"Isolation: {isolation['level']}"
    lines.append(f"{level}; not enforced: {missing}." if missing else f"{level}.")
    return "\n" + "\n".join(lines)


def _ratio(accuracy: dict[str, Any]) -> str:
    """Show a ratio; there is none to retrained models that are always wrong."""
    return "-" if accuracy["ratio"] is None else f"{accuracy['ratio']:.3f}"


def _render(panel: Panel) -> str:
    buffer = io.StringIO()
    Console(file=buffer, width=WIDTH, color_system=None, highlight=False).print(panel)
    return buffer.getvalue().rstrip("\n")


def is_ranked(result: Result) -> bool:
    """Whether a result takes part in a ranking: not what has an unknown cost."""
    shown_only = result.is_reference or result.unknown_cost
    return result.status == Status.SCORED and not shown_only
