"""Rows as points of a plane."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from harness.results.report.figures import BAD, GRID, INK, OURS, draw, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Point(NamedTuple):
    """A row: how far across and up it is, and its interval upwards."""

    name: str
    across: float
    up: float
    low: float
    high: float


def plane(
    points: Sequence[Point], across: str, up: str, *, cap: float | None = None
) -> Markup:
    """Draw rows by two of their numbers, with the cap if `across` is the cost."""

    def paint(axes: "Axes") -> None:
        for at in points:
            axes.vlines(at.across, at.low, at.high, color=GRID, linewidth=3)
            axes.plot(at.across, at.up, "o", color=OURS, markersize=4)
            axes.annotate(
                label(at.name),
                (at.across, at.up),
                (4, 3),
                textcoords="offset points",
                fontsize=7,
                color=INK,
            )
        if cap is not None:
            axes.axvline(cap, color=BAD, linestyle="--", linewidth=1.2)
        axes.margins(x=0.25)
        if cap is not None:
            axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(across)
        axes.set_ylabel(up)

    return draw(paint, 3.2)
