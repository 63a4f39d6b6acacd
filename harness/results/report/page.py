"""From what a report is made of to one HTML file."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness import __version__
from harness.plain_text import escape_controls
from harness.results.card import sentences
from harness.results.report import figures
from harness.results.report.cards import class_name, names_of, of_example, worst_first
from harness.results.report.figures import unique
from harness.results.report.glossary import direction_words, meanings
from harness.results.report.material import Contents, Material, Pictures
from harness.results.report.pictures import TILE, data_uri, tiles
from harness.results.report.sections import (
    FigureSection,
    ResultSections,
    beyond_words,
    compare_command,
    sections_of,
    title_of,
)
from harness.results.schema import Result
from harness.storage.files import write_atomic
from harness.tasks.base import Shown

#: Rows of the table of examples; of more the best and the worst are shown.
MOST_ROWS = 1000


@dataclass(frozen=True)
class Report:
    """A report: one HTML file that needs nothing else."""

    html: str

    def write(self, path: str | Path) -> Path:
        """Write it into a file, and return its path."""
        write_atomic(Path(path), self.html)
        return Path(path)

    def _repr_html_(self) -> str:
        return (
            '<iframe title="unlearn-eval report" sandbox="allow-scripts" width="100%" '
            f'height="800" srcdoc="{escape(self.html)}"></iframe>'
        )


class ExampleLine(NamedTuple):
    """A row of the table of examples; `cells` are of each result on the page.

    Its `tile` is the place of its picture among those of the page.
    """

    tile: int
    number: int
    name: str
    shown: Shown | None
    cells: tuple["ExampleCells", ...]


class ExampleCells(NamedTuple):
    """What one result says of an example."""

    epsilon: float
    official: float
    certified: float
    distributions: Markup


def report_of(contents: Contents) -> Report:
    """Lay out one result, or two with their differences, as a page."""
    results = _own_figures(
        [
            sections_of(material, contents.pictures, key, whole=not contents.pages)
            for material, key in zip(contents.materials, "ab", strict=False)
        ]
    )
    lines = list(_example_lines(contents))
    in_order = sorted(lines, key=lambda line: line.tile)
    shown = tuple(line.shown for line in in_order if line.shown)
    html = render(
        "report.html.j2",
        title=" against ".join(each.title for each in results),
        results=results,
        contents=contents,
        lines=lines,
        tiles=tiles(shown),
        n_examples=len(contents.materials[0].rows),
        meanings=meanings(m for r in results for m in r.result.metrics.metrics),
        names=names_of(contents.materials[0], contents.pictures),
        scatter=_scatter(contents),
        compare_command=compare_command([m.result for m in contents.materials]),
    )
    return Report(html)


def html_card(result: Result) -> str:
    """Return a result's card for a notebook: a table, and what it means."""
    told = sections_of(Material(result=result), Pictures(), "card")
    more = list(sentences(result)) if result.is_complete else []
    return render("card.html.j2", r=told, sentences=more)


def _own_figures(results: list[ResultSections]) -> list[ResultSections]:
    """Number the figures of the page through."""
    drawn = iter(unique([each.figure for r in results for each in r.figures]))
    return [
        replace(r, figures=tuple(f._replace(figure=next(drawn)) for f in r.figures))
        for r in results
    ]


def _scatter(contents: Contents) -> FigureSection | None:
    known = [each.confidences for each in contents.materials]
    if len(known) < 2 or known[0] is None or known[1] is None:
        return None
    first, second = (title_of(each.result) for each in contents.materials)
    both = known[0].epsilon, known[1].epsilon
    words = (
        f"ε of each forget example: across, of {first}; up, of {second}. Points below "
        f"the line are forgotten better by the second.{beyond_words(*both)}"
    )
    return FigureSection("", words, figures.scatter(*both, (first, second)))


def _example_lines(contents: Contents) -> Iterator[ExampleLine]:
    """Yield the forget examples, the worst forgotten by the first result first."""
    known = [m.confidences for m in contents.materials]
    measured = [each for each in known if each is not None]
    if len(measured) < len(known):
        return
    pictures, first = contents.pictures, contents.materials[0]
    order = worst_first(measured[0], first.rows)
    if len(order) > MOST_ROWS:
        order = [*order[: MOST_ROWS // 2], *order[-MOST_ROWS // 2 :]]
    tile_of = {place: tile for tile, place in enumerate(sorted(order))}
    for place in order:
        yield ExampleLine(
            tile_of[place],
            first.rows[place].index,
            class_name(first, pictures, place),
            pictures.shown[place] if pictures.shown else None,
            tuple(
                ExampleCells(
                    float(each.epsilon[place]),
                    material.rows[place].epsilon,
                    material.rows[place].certified_epsilon,
                    of_example(each, place),
                )
                for each, material in zip(measured, contents.materials, strict=True)
            ),
        )


def render(template: str, **values: Any) -> str:
    """Fill a page's template; strangers' words can be nothing but words."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("harness.results.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )
    script, of_pairs = (
        Markup(_source(environment, name)) for name in ("page.js", "compare.js")
    )
    environment.globals |= {
        "script": script,
        "compare_script": of_pairs,
        "style": Markup(_source(environment, "page.css")),
        # Whatever else found its way into a page: no browser runs it.
        "script_digests": Markup(f"{_digest(script)} {_digest(of_pairs)}"),
        "version": __version__,
        "data_uri": data_uri,
        "tile": TILE,
        "is_address": is_address,
        "direction_words": direction_words,
    }
    return environment


def _digest(script: str) -> str:
    """Return what a policy calls a script."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _source(environment: Environment, name: str) -> str:
    if environment.loader is None:
        raise AssertionError("pages have templates")
    return environment.loader.get_source(environment, name)[0]


def _harmless(value: object) -> object:
    """Show control characters and changes of direction as what they are."""
    return escape_controls(value) if type(value) is str else value


def is_address(url: str) -> bool:
    """Tell an address of the web, which may become a link, from anything else."""
    return url.startswith(("https://", "http://")) and escape_controls(url) == url
