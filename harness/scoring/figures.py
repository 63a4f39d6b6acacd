"""How the numbers of a result are laid out: value, intervals, ceiling and floor."""

from collections.abc import Sequence
from typing import Any, Literal

from harness.metrics.uncertainty.ceiling import Ceiling, share_of_ceiling
from harness.metrics.uncertainty.interval import Interval, Unavailable, mean_interval
from harness.models.outputs import ModelOutputs
from harness.results.schema import Accuracy, Number
from harness.scoring.reference import Reference


def number(
    value: float,
    intervals: Sequence[Interval | Unavailable],
    top: Ceiling | Unavailable,
    floor: float | None,
) -> Number:
    """Put a number together with all that says what it means.

    Its three intervals are of its mean, of that on other examples, of a repetition.
    """
    fixed, drawn, repeated = intervals
    share = share_of_ceiling(value, top)
    return Number(
        value=value,
        **_interval(fixed),
        **_ends(drawn, "{}_drawn"),
        **_ends(repeated, "{}_repeated"),
        **_ceiling(top),
        floor=floor,
        share_of_ceiling=None if isinstance(share, Unavailable) else share,
    )


def accuracy(
    of: Literal["retain", "test", "forget"],
    unlearned: ModelOutputs,
    reference: Reference,
) -> Accuracy:
    """Lay out utility on one set."""
    shares, original = unlearned.accuracy(of), reference.original
    value = float(shares.mean())
    retrained = float(reference.retrained.accuracy(of).mean())
    floor = None
    if original is not None and original.has_accuracies:
        floor = float(original.accuracy(of)[0])
    return Accuracy(
        value=value,
        **_interval(mean_interval(shares)),
        direction="nearest to the ceiling" if of == "forget" else "higher",
        ratio=value / retrained if retrained else None,
        ceiling=retrained,
        floor=floor,
    )


def _interval(interval: Interval | Unavailable) -> dict[str, Any]:
    if isinstance(interval, Unavailable):
        return {"reason": f"interval: {interval.reason}"}
    return {**_ends(interval, "{}"), "level": interval.level}


def _ends(interval: Interval | Unavailable, name: str) -> dict[str, Any]:
    if isinstance(interval, Unavailable):
        return {}
    return {name.format(end): float(getattr(interval, end)) for end in ("low", "high")}


def _ceiling(top: Ceiling | Unavailable) -> dict[str, Any]:
    if isinstance(top, Unavailable):
        return {"ceiling_reason": top.reason}
    return {"ceiling": top.value, **_ends(top.interval, "ceiling_{}")}
