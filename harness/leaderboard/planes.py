"""Rows as points of a plane."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from harness.results.report.figures import GRID, INK, OURS, draw, label, mark_cap

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_FONT = 7
#: Left, bottom, right, top.
_Box = tuple[float, float, float, float]


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
    """Draw rows by two of their numbers, with the cap if `across` is the cost.

    A crowd's names would cover each other: those without room stand in the table.
    """

    def paint(axes: "Axes") -> None:
        for at in points:
            axes.vlines(at.across, at.low, at.high, color=GRID, linewidth=3)
            axes.plot(at.across, at.up, "o", color=OURS, markersize=4)
        if cap is not None:
            mark_cap(axes, cap)
        axes.margins(x=0.25)
        if cap is not None:
            axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        for at, offset in _with_room(points, axes):
            axes.annotate(
                label(at.name),
                (at.across, at.up),
                offset,
                textcoords="offset points",
                fontsize=_FONT,
                color=INK,
            )

    return draw(paint, 4.2)


def _with_room(
    points: Sequence[Point], axes: "Axes"
) -> Iterator[tuple[Point, tuple[float, float]]]:
    """Yield the points whose names cover no other, the first rows first, and where."""
    if not points:
        return
    axes.autoscale_view()
    to_points = 72 / axes.figure.dpi
    found = axes.transData.transform([(p.across, p.up) for p in points]) * to_points
    taken: list[_Box] = [(x - 2, y - 2, x + 2, y + 2) for x, y in found]
    for point, (x, y) in zip(points, found, strict=True):
        width = 0.6 * _FONT * len(label(point.name))
        for dx, dy in ((4, 2), (-4 - width, 2), (4, -8), (-4 - width, -8)):
            box = (x + dx, y + dy, x + dx + width, y + dy + _FONT)
            inside = box[0] > axes.bbox.x0 * to_points
            if inside and not any(_meet(box, other) for other in taken):
                taken.append(box)
                yield point, (dx, dy)
                break


def _meet(one: _Box, other: _Box) -> bool:
    return all(one[i] < other[i + 2] and other[i] < one[i + 2] for i in (0, 1))
