"""How a number of a result is laid out: value, intervals, ceiling and floor."""

from typing import Any, NamedTuple

from harness.metrics.uncertainty.ceiling import Ceiling, share_of_ceiling
from harness.metrics.uncertainty.interval import Interval, Unavailable


def ends_of(interval: Interval | Unavailable) -> dict[str, Any]:
    """Lay out an interval, or say why there is none."""
    if isinstance(interval, Unavailable):
        return {"low": None, "high": None, "reason": f"interval: {interval.reason}"}
    return {"low": interval.low, "high": interval.high, "level": interval.level}


class Ends(NamedTuple):
    """Intervals of a number: of its mean, of that on other examples, of a repeat."""

    fixed: Interval | Unavailable
    drawn: Interval | Unavailable
    repeated: Interval | Unavailable

    def content(self) -> dict[str, Any]:
        """Lay all out: ``low`` and ``high``, the same ``_drawn`` and ``_repeated``.

        The first pair answers what fresh models get in the mean on the same forget
        examples. The second answers what they would get on fresh forget examples of
        the same kind, and is what says how good the method is. The third holds the
        value of one repetition of the scoring, against the same reference bank.
        """
        content = ends_of(self.fixed)
        for name, ends in (("drawn", self.drawn), ("repeated", self.repeated)):
            there = ends if isinstance(ends, Interval) else None
            content[f"low_{name}"] = there and there.low
            content[f"high_{name}"] = there and there.high
        return content


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
