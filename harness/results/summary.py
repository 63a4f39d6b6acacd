"""What became of several submissions, in one table: which failed, and why."""

import io
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.plain_text import escape_controls, harmless
from harness.results.card import WIDTH
from harness.results.schema import Result
from harness.status import Status

_LONGEST_REASON = 300


def summary_table(results: Sequence[Result]) -> str:
    """Count the statuses, and list the submissions, the scored ones first."""
    counts = Counter(str(result.status) for result in results)
    parts = [f"{count} {status}" for status, count in counts.most_common()]
    table = Table(box=None, pad_edge=False)
    table.add_column("submission", overflow="fold", max_width=24)
    table.add_column("status", no_wrap=True)
    scored = [result.metrics for result in results if result.metrics.ranked_score]
    calibrated = all(each.calibrated_score is not None for each in scored)
    for heading in ("calibrated score" if scored and calibrated else "score", "cost"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("why", overflow="fold")
    for result in sorted(results, key=_order):
        # Not as strings, in which a stranger's words could be markup.
        table.add_row(*map(Text, _cells(result)))
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None)
    with console.capture() as lines:
        console.print(table)
    # Folding may have brought to the front of a line what was harmless within one.
    body = "\n".join(
        escape_controls(each.rstrip()) for each in lines.get().splitlines()
    )
    return f"{len(results)} submissions: {', '.join(parts)}\n\n{body}"


def _order(result: Result) -> tuple[bool, float]:
    score = result.metrics.ranked_score
    return result.status != Status.SCORED, -score.value if score else 0.0


def _cells(result: Result) -> tuple[str, str, str, str, str]:
    score, efficiency = result.metrics.ranked_score, result.metrics.efficiency
    ratio = efficiency.ratio if efficiency else None
    return (
        harmless(result.name, 60),
        str(result.status),
        f"{score.value:.4f}" if score else "-",
        f"{ratio:.3f}" if ratio is not None else "-",
        harmless(result.reason, _LONGEST_REASON),
    )
