"""Which class is forgotten worst, and whether that can be told at all."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from harness.metrics.uncertainty.interval import Interval
from harness.metrics.uncertainty.median import median_interval
from harness.results.report.cards import class_name
from harness.results.report.material import Confidences, Material, Pictures


class ClassMedian(NamedTuple):
    """The median ε of a class, its 95 % interval, and retraining's own median."""

    name: str
    n_examples: int
    value: float
    interval: Interval | None
    retraining: float | None


def class_medians(
    material: Material, known: Confidences, pictures: Pictures
) -> list[ClassMedian]:
    """Return the median ε of each class, the worst first; none of a single class."""
    if not pictures.placed:
        return []
    of: dict[int, list[int]] = {}
    for place, row in enumerate(material.rows):
        of.setdefault(row.label, []).append(place)
    medians = [
        _median(class_name(material, pictures, places[0]), known, places)
        for places in of.values()
    ]
    return sorted(medians, key=lambda m: (-m.value, m.name)) if len(medians) > 1 else []


def _median(name: str, known: Confidences, places: list[int]) -> ClassMedian:
    epsilon, retraining = known.epsilon[places], known.retraining
    interval = median_interval(epsilon)
    return ClassMedian(
        name,
        len(places),
        float(np.median(epsilon)),
        interval if isinstance(interval, Interval) else None,
        None if retraining is None else float(np.median(retraining[places])),
    )


def class_words(classes: Sequence[ClassMedian]) -> str:
    """Say which class is worst, and how sure that is."""
    worst, best = classes[0], classes[-1]
    words = (
        f"Median ε is largest for {worst.name} ({worst.value:.2f}) and smallest for "
        f"{best.name} ({best.value:.2f}). "
    )
    if worst.interval is None or best.interval is None:
        return words + "They have too few examples to tell whether that is chance."
    if worst.interval.low <= best.interval.high:
        words += "Even these two may differ by chance: their lines overlap. "
    return words + (
        "Thin lines are 95 % intervals of the medians, over examples; classes whose "
        "lines overlap cannot be told apart. In brackets: how many examples."
    )
