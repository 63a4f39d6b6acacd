"""How a number of a result is laid out: value, intervals, ceiling and floor."""

from typing import Any, NamedTuple

from harness.metrics.ceiling import Ceiling, share_of_ceiling
from harness.metrics.interval import Interval, Unavailable


def ends_of(interval: Interval | Unavailable) -> dict[str, Any]:
    """Lay out an interval, or say why there is none."""
    if isinstance(interval, Unavailable):
        return {"low": None, "high": None, "reason": f"interval: {interval.reason}"}
    return {"low": interval.low, "high": interval.high, "level": interval.level}


class Ends(NamedTuple):
    """Intervals of a number: for these forget examples, and for others like them."""

    fixed: Interval | Unavailable
    drawn: Interval | Unavailable

    def content(self) -> dict[str, Any]:
        """Lay both out: ``low`` and ``high``, ``low_drawn`` and ``high_drawn``.

        The first pair answers what fresh models would get on the same forget examples,
        and is what a repetition of the scoring should fall into. The second answers
        what they would get on fresh forget examples of the same kind, and is what says
        how good the method is.
        """
        content = ends_of(self.fixed)
        if isinstance(self.drawn, Unavailable):
            return {**content, "low_drawn": None, "high_drawn": None}
        return {
            **content,
            "low_drawn": self.drawn.low,
            "high_drawn": self.drawn.high,
        }


class BothIntervals(NamedTuple):
    """Intervals of F and, where there are accuracies, of the score."""

    of_quality: Ends
    of_score: Ends | None


def number(
    value: float, ends: Ends, top: Ceiling | Unavailable, bottom: float | None
) -> dict[str, Any]:
    """Put a number together with all that says what it means."""
    share = share_of_ceiling(value, top)
    content = {"value": value, **ends.content(), "direction": "higher"}
    if isinstance(top, Ceiling):
        around = {"ceiling_low": top.interval.low, "ceiling_high": top.interval.high}
        content |= {"ceiling": top.value, **around}
    else:
        content |= {"ceiling": None, "ceiling_reason": top.reason}
    shared = None if isinstance(share, Unavailable) else share
    return {**content, "floor": bottom, "share_of_ceiling": shared}
