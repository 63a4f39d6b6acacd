"""Small drawings that stand in a line: intervals, and pairs of distributions."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from harness.models.outputs import Floats

_BINS, _HEIGHT = 20, 12


class Strip(NamedTuple):
    """An interval with its value and a mark, in percent of a common width."""

    left: float
    width: float
    value: float
    mark: float | None


class Scale(NamedTuple):
    """From where to where strips reach."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Iterable[float | None]) -> "Scale":
        """Take in all values that there are, and a little more; nothing below a 0."""
        known = [value for value in values if value is not None]
        low, high = min(known, default=0.0), max(known, default=1.0)
        margin = 0.06 * (high - low) or 0.5
        return cls(low - margin if low else 0.0, high + margin)

    def strip(
        self,
        value: float,
        low: float | None,
        high: float | None,
        mark: float | None = None,
    ) -> Strip:
        """Place one interval."""
        left, right = (
            self._percent(value if end is None else end) for end in (low, high)
        )
        at = None if mark is None else self._percent(mark)
        return Strip(left, round(right - left, 1), self._percent(value), at)

    def _percent(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 1)


def distributions(unlearned: Floats, retrained: Floats) -> Markup:
    """Draw how confident unlearned and retrained models are in one example.

    The first is filled and the second an outline: no colour is needed to tell them.
    """
    both = np.concatenate([unlearned, retrained])
    edges = np.linspace(both.min(), both.max(), _BINS + 1)
    if edges[0] == edges[-1]:
        edges = np.linspace(edges[0] - 1, edges[0] + 1, _BINS + 1)
    shares = [
        np.histogram(each, edges)[0] / len(each) for each in (unlearned, retrained)
    ]
    most = max(float(each.max()) for each in shares)
    ours, theirs = (
        _path(np.rint(each / most * _HEIGHT).astype(int)) for each in shares
    )
    return Markup(
        f'<svg class="d" viewBox="0 0 {_BINS} {_HEIGHT + 1}" '
        'preserveAspectRatio="none" '
        f'aria-hidden="true"><path class="u" d="{ours}"/><path class="r" d="{theirs}"/>'
        "</svg>"
    )


def _path(heights: Iterable[int]) -> str:
    """Write steps from bin to bin; equal neighbours make one."""
    bottom = _HEIGHT + 1
    words, before = [f"M0 {bottom}"], 0
    for place, height in enumerate(heights):
        if height != before:
            words.append(f"H{place}V{bottom - height}")
            before = height
    return "".join([*words, f"H{_BINS}V{bottom}"])
