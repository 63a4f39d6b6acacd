"""Compare forget sets: how far original and retrained models lie apart on each.

For each track, over its forget examples: the mean shift of confidence from retrained
to original models, the spread of one retrained model, and their ratio, the separation;
beside it the forget accuracies of both.  Of the calibrated confidences and the others.
Run ``python scripts/forget_sets.py TRACK...`` after ``unlearn-eval reference build``.
"""

import sys
from typing import NamedTuple

import numpy as np

from harness.models.outputs import Floats
from harness.reference import ReferenceBank, find_largest_bank
from harness.tasks.registry import find_task
from harness.track import find_track


class Separation(NamedTuple):
    """Means over the examples, in logits, and their ratio."""

    shift: float
    spread: float

    @property
    def ratio(self) -> float:
        """How many spreads the shift is."""
        return self.shift / self.spread


def separation(originals: Floats, retrained: Floats) -> Separation:
    """Compare confidences ``[K, S]`` and ``[M, S]`` of models."""
    shift = originals.mean(axis=0) - retrained.mean(axis=0)
    variance = retrained.var(axis=0, ddof=1)
    return Separation(float(shift.mean()), float(np.sqrt(variance.mean())))


def row(name: str, bank: ReferenceBank) -> str:
    """Lay out one track."""
    pairs = [(bank.original.forget_confidence, bank.retrained.forget_confidence)]
    calibrated = (
        bank.original.calibrated_confidence,
        bank.retrained.calibrated_confidence,
    )
    if calibrated[0] is not None and calibrated[1] is not None:
        pairs.append((calibrated[0], calibrated[1]))
    found = [separation(*pair) for pair in pairs]
    accuracies = [
        float(models.accuracy(of).mean())
        for of in ("forget", "test")
        for models in (bank.original, bank.retrained)
    ]
    cells = [f"{name:<22}", f"{len(bank.original)} and {len(bank.retrained)}"]
    cells += [
        f"{each.shift:.2f} / {each.spread:.2f} = {each.ratio:.2f}" for each in found
    ]
    return " | ".join(cells + [f"{share:.3f}" for share in accuracies])


def main(names: list[str]) -> None:
    """Print a row a track."""
    print("track | models | shift / spread | calibrated | forget acc. | test acc.")
    for name in names:
        print(row(name, find_largest_bank(find_task(find_track(name)))))


if __name__ == "__main__":
    main(sys.argv[1:])
