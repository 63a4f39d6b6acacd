"""How the numbers of a result are laid out: value, intervals, ceiling and floor."""

from collections.abc import Sequence
from typing import Literal

from harness.metrics.uncertainty.ceiling import Ceiling, share_of_ceiling
from harness.metrics.uncertainty.interval import Interval, Unavailable
from harness.metrics.uncertainty.originals import (
    ONE_ORIGINAL,
    grouped_mean_interval,
)
from harness.models.outputs import ModelOutputs
from harness.results.schema import Accuracy, Number
from harness.scoring.reference import Reference


def number(
    value: float,
    intervals: Sequence[Interval | Unavailable],
    top: Ceiling | Unavailable,
    floor: float | None,
    *,
    one_original: bool = False,
) -> Number:
    """Put a number together with all that says what it means.

    Its three intervals are of its mean, of that on other examples, of a repetition.
    With `one_original` it says that they cover no other.
    """
    fixed, drawn, repeated = intervals
    share = share_of_ceiling(value, top)
    near: Interval | Unavailable = top if isinstance(top, Unavailable) else top.interval
    return Number(
        value=value,
        low=_end(fixed, "low"),
        high=_end(fixed, "high"),
        reason=_reason(fixed),
        level=_end(fixed, "level"),
        not_covered=ONE_ORIGINAL if one_original else None,
        low_drawn=_end(drawn, "low"),
        high_drawn=_end(drawn, "high"),
        low_repeated=_end(repeated, "low"),
        high_repeated=_end(repeated, "high"),
        ceiling=None if isinstance(top, Unavailable) else top.value,
        ceiling_low=_end(near, "low"),
        ceiling_high=_end(near, "high"),
        ceiling_reason=top.reason if isinstance(top, Unavailable) else None,
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
        floor = float(original.accuracy(of).mean())
    interval = grouped_mean_interval(shares, unlearned.original)
    return Accuracy(
        value=value,
        low=_end(interval, "low"),
        high=_end(interval, "high"),
        reason=_reason(interval),
        level=_end(interval, "level"),
        direction="nearest to the ceiling" if of == "forget" else "higher",
        ratio=value / retrained if retrained else None,
        ceiling=retrained,
        floor=floor,
    )


def _end(
    interval: Interval | Unavailable, of: Literal["low", "high", "level"]
) -> float | None:
    return None if isinstance(interval, Unavailable) else float(getattr(interval, of))


def _reason(interval: Interval | Unavailable) -> str | None:
    if isinstance(interval, Unavailable):
        return f"interval: {interval.reason}"
    return None
