"""Single examples: the picture or passage, and both distributions of confidence."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from harness.metrics.literature.example_table import ExampleRow
from harness.results.report.material import Confidences, Material, Pictures
from harness.results.report.strips import distributions
from harness.tasks.base import Shown

#: Cards of the worst and of the best forgotten examples.
_CARDS = 8


class Card(NamedTuple):
    """One example with both distributions of confidence.

    `calibrated` is its ε by the score that ranks, where that is not the official one.
    """

    number: int
    name: str
    shown: Shown | None
    calibrated: float | None
    official: float
    certified: float
    distributions: Markup


class Names(NamedTuple):
    """What a page calls an example's number, the example, and its class."""

    number: str
    example: str
    kind: str
    meaning: str


def names_of(material: Material, pictures: Pictures) -> Names:
    """Choose the words for examples; passages are those of a book."""
    if not pictures.placed:
        meaning = "The place counts forget examples from 0."
        return Names("place", "example", "class", meaning)
    if material.of_texts:
        meaning = "A passage's number is its place in the book."
        return Names("passage", "text", "book", meaning)
    meaning = "No. is an example's index in the training set."
    return Names("No.", "example", "class", meaning)


def class_name(material: Material, pictures: Pictures, place: int) -> str:
    """Return the class of a forget example in words, if the data are here."""
    if pictures.shown:
        return pictures.shown[place].caption
    if material.of_texts:
        return ""
    return f"class {material.rows[place].label}" if pictures.placed else ""


def worst_first(known: Confidences, rows: Sequence[ExampleRow]) -> list[int]:
    """Order examples by ε; where many have 50, the largest, by what is proven."""
    certified = [row.certified_epsilon for row in rows]
    order: list[int] = np.lexsort((np.negative(certified), -known.epsilon)).tolist()
    return order


def cards_of(
    material: Material, pictures: Pictures
) -> tuple[tuple[Card, ...], tuple[Card, ...]]:
    """Choose the examples that are forgotten worst, and those forgotten best."""
    known = material.confidences
    if known is None:
        return (), ()
    order = worst_first(known, material.rows)
    n = min(_CARDS, len(order) // 2)
    both = order[:n], order[: len(order) - n - 1 : -1]
    worst, best = (
        tuple(_card(material, known, pictures, place) for place in places)
        for places in both
    )
    return worst, best


def _card(
    material: Material, known: Confidences, pictures: Pictures, place: int
) -> Card:
    row = material.rows[place]
    return Card(
        row.index,
        class_name(material, pictures, place),
        pictures.shown[place] if pictures.shown else None,
        float(known.epsilon[place]) if known.calibrated else None,
        row.epsilon,
        row.certified_epsilon,
        of_example(known, place),
    )


def of_example(known: Confidences, place: int) -> Markup:
    """Draw both distributions of one example."""
    return distributions(known.unlearned[:, place], known.retrained[:, place])
