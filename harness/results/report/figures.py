"""Figures as SVG within a page, in the page's own colours, light or dark."""

import io
import re
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from harness.metrics.uncertainty.sample_size import SampleSizeRow
from harness.models.outputs import Floats
from harness.plain_text import harmless
from harness.results.report.classes import ClassMedian

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What is drawn in these colours takes those of the page: its CSS defines them.
_COLOURS = {
    "#010101": "var(--ink)",
    "#020202": "var(--grid)",
    "#030303": "var(--ours)",
    "#040404": "var(--retrained)",
    "#050505": "var(--bad)",
}
INK, GRID, OURS, RETRAINED, BAD = _COLOURS
_WIDTH, _HEIGHT = 4.4, 2.7
_LONGEST_LABEL = 24
#: Larger ε stand there; those that could not be determined count 50.
MOST_EPSILON = 10.0
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.parse_math": False,
    "legend.frameon": False,
    "savefig.transparent": True,
}


def draw(paint: Callable[["Axes"], None], height: float = _HEIGHT) -> Markup:
    """Draw one figure; what it says must stand beside it in words, too."""
    # Half a second that no other command should wait.
    from matplotlib import style  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    buffer = io.StringIO()
    with style.context(["default", _STYLE]), warnings.catch_warnings():
        # The browser finds letters that our fonts lack.
        warnings.simplefilter("ignore")
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        paint(figure.add_subplot())
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=nothing)
    return Markup(for_a_page(buffer.getvalue()))


def for_a_page(svg: str) -> str:
    """Leave out what a page has no use for, and what two figures both have."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(<svg)[^>]*?( viewBox="[^"]*")[^>]*>', r"\1\2>", svg, count=1)
    used = set(re.findall(r'(?:href="|url\()#([\w-]+)', svg))
    svg = re.sub(r' id="([\w.-]+)"', lambda m: m[0] if m[1] in used else "", svg)
    svg = re.sub(r"<!--.*?-->|<defs>\s*<style.*?</defs>", "", svg, flags=re.S)
    svg = re.sub(r"<[^>]*>", _shortened, svg)
    svg = re.sub(r"\s*\n\s*|  +", " ", svg)
    for drawn, shown in _COLOURS.items():
        svg = svg.replace(drawn, shown)
    return svg


def _shortened(tag: re.Match[str]) -> str:
    """Leave out of a tag, not of words, fonts and digits that nobody sees."""
    return re.sub(r'font-family: [^;"]*;? ?|(?<=\.\d\d)\d+', "", tag[0])


def label(words: str) -> str:
    """Return a stranger's words, short and harmless, for a figure."""
    return harmless(words, _LONGEST_LABEL)


def unique(figures: Sequence[Markup]) -> list[Markup]:
    """Make the names within figures of one page their own."""
    return [
        Markup(re.sub(r'( id="|href="#|url\(#)', rf"\g<1>f{place}-", str(figure)))
        for place, figure in enumerate(figures)
    ]


def epsilon_histogram(epsilon: Floats, retraining: Floats | None) -> Markup:
    """How many examples have which ε, beside retraining's own."""

    def paint(axes: "Axes") -> None:
        both = epsilon if retraining is None else np.concatenate([epsilon, retraining])
        # What could not be determined counts 50 and would squeeze all others.
        top = min(float(np.ceil(2 * both.max()) / 2), MOST_EPSILON) or 0.5
        edges = np.arange(0.0, top + 0.25, 0.25).tolist()
        axes.hist(
            np.minimum(epsilon, top), edges, color=OURS, alpha=0.75, label="this result"
        )
        if retraining is not None:
            axes.hist(
                np.minimum(retraining, top),
                edges,
                histtype="step",
                color=RETRAINED,
                linewidth=1.6,
                label="retraining itself",
            )
        axes.set_xlabel("ε of a forget example (0: not to be told from retraining)")
        _count(axes, "forget examples")
        axes.legend()

    return draw(paint)


def _count(axes: "Axes", what: str) -> None:
    """Of what is counted there is no half."""
    axes.locator_params("y", integer=True)
    axes.set_ylabel(what)


def quality_against_models(rows: Sequence[SampleSizeRow], quality: str) -> Markup:
    """F of a kind against N, with its 95 % band."""

    def paint(axes: "Axes") -> None:
        sizes = [row.n_models for row in rows]
        lows, highs = ([getattr(row, end) for row in rows] for end in ("low", "high"))
        axes.fill_between(sizes, lows, highs, color=OURS, alpha=0.3, linewidth=0)
        axes.plot(sizes, [row.mean for row in rows], "o-", color=OURS)
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.set_ylim(bottom=0)
        axes.set_xlabel("N, unlearned models and as many retrained ones")
        axes.set_ylabel(quality)

    return draw(paint)


def costs_against_cap(costs: Sequence[float], cap: float) -> Markup:
    """What each run cost, in retrainings."""

    def paint(axes: "Axes") -> None:
        axes.hist(costs, bins=30, color=OURS, alpha=0.75)
        mark_cap(axes, cap)
        axes.set_xlim(left=0)
        axes.locator_params("x", nbins=6)
        axes.set_xlabel("cost of a run, as a share of one retraining")
        _count(axes, "runs")

    return draw(paint)


def mark_cap(axes: "Axes", cap: float) -> None:
    """Show how much a run may cost."""
    axes.axvline(cap, color=BAD, linestyle="--", linewidth=1.6)
    axes.annotate(
        f"cap {cap:.2f}",
        (cap, 1),
        (-4, -2),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right",
        va="top",
        color=BAD,
    )


def epsilon_of_classes(classes: Sequence[ClassMedian]) -> Markup:
    """Median ε of each class, the worst forgotten at the top, beside retraining's."""

    def paint(axes: "Axes") -> None:
        places = np.arange(len(classes))[::-1]
        for place, each in zip(places, classes, strict=True):
            if each.interval is not None:
                axes.hlines(
                    place, each.interval.low, each.interval.high, OURS, linewidth=1
                )
        values = [each.value for each in classes]
        axes.plot(values, places, "o", color=OURS, label="this result")
        again = [each.retraining for each in classes if each.retraining is not None]
        if len(again) == len(classes):
            axes.plot(again, places, "D", color=RETRAINED, label="retraining itself")
            # Within the axes it would cover a class.
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        axes.set_yticks(places, [f"{label(c.name)} ({c.n_examples})" for c in classes])
        axes.set_xlim(left=0)
        axes.set_xlabel("median ε")

    return draw(paint, 1.0 + 0.2 * len(classes))


def scatter(first: Floats, second: Floats, names: tuple[str, str]) -> Markup:
    """ε of each example in one result against that in another."""

    def paint(axes: "Axes") -> None:
        top = min(float(max(first.max(), second.max())), MOST_EPSILON) * 1.03
        axes.plot([0, top], [0, top], color=GRID, linewidth=1)
        at = (np.minimum(each, MOST_EPSILON).round(2) for each in (first, second))
        axes.plot(*at, "o", color=OURS, alpha=0.5, markersize=3, markeredgewidth=0)
        axes.set_xlabel(f"ε, {label(names[0])}")
        axes.set_ylabel(f"ε, {label(names[1])}")

    return draw(paint, 3.8)
