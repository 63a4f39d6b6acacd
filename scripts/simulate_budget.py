"""Simulate how runs are best spread: many from one original model, or few from several.

Two methods are drawn as normal values around the means and spreads of a track's bank:
one lies further from retraining and varies less than the other.  Printed for each N and
number of originals are F of both, by how much F of the first varies between scorings of
fresh runs, originals and retrained models, and by how many standard deviations of the
difference the two are told apart.

    python -m scripts.simulate_budget --track cifar10-cpu
"""

import argparse
from typing import NamedTuple

import numpy as np

from harness.metrics.official.epsilon import epsilon
from harness.metrics.official.quality import forgetting_quality
from harness.models.outputs import Floats
from harness.reference import find_bank
from harness.tasks.registry import find_task
from harness.track import find_track

PLANS = ((16, 4), (32, 2), (64, 1), (32, 4), (64, 4))
"""N, and from how many originals each; the first three cost the same."""
ORIGINAL_SD = 0.25
"""By how much originals differ on an example, in spreads of retraining."""


class Method(NamedTuple):
    """How far its runs lie from retraining, and how much they vary, in its spreads."""

    shift: float
    spread: float


FIRST, SECOND = Method(0.76, 0.63), Method(0.6, 0.7)


class Simulation:
    """Draws models around the means and spreads ``[S]`` of retrained ones."""

    def __init__(self, mean: Floats, spread: Floats, seed: int) -> None:
        self._mean, self._spread = mean, spread
        self._random = np.random.default_rng(seed)

    def models(self, n: int, method: Method, original: Floats | float = 0.0) -> Floats:
        """Draw n models, ``[n, S]``, from an original that moves them by ``[S]``."""
        noise = method.spread * self._random.standard_normal((n, len(self._mean)))
        return self._mean + self._spread * (original + method.shift + noise)

    def scoring(self, n: int, originals: int) -> tuple[float, float]:
        """Return F of both methods, each the mean over the same originals."""
        retrained = self.models(n, Method(0.0, 1.0))
        shape = originals, len(self._mean)
        moved = ORIGINAL_SD * self._random.standard_normal(shape)
        first, second = (
            np.mean([self._quality(n, method, by, retrained) for by in moved])
            for method in (FIRST, SECOND)
        )
        return float(first), float(second)

    def _quality(
        self, n: int, method: Method, original: Floats, retrained: Floats
    ) -> float:
        unlearned = self.models(n, method, original)
        return forgetting_quality(epsilon(unlearned, retrained).epsilon, n)


def main() -> None:
    """Simulate each plan."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--track", default="cifar10-cpu")
    parser.add_argument("--scorings", type=int, default=16)
    parser.add_argument("--examples", type=int, default=400)
    asked = parser.parse_args()
    bank = find_bank(find_task(find_track(asked.track)))
    known = bank.retrained.forget_confidence[:, : asked.examples]
    simulation = Simulation(known.mean(axis=0), known.std(axis=0, ddof=1), seed=0)
    print("  N  originals  first   second  sd of first  told apart by")
    for n, originals in PLANS:
        drawn = [simulation.scoring(n, originals) for _ in range(asked.scorings)]
        first, second = np.transpose(drawn)
        apart = np.mean(second - first) / np.std(second - first, ddof=1)
        print(
            f"{n:3} {originals:10} {np.mean(first):7.4f} {np.mean(second):8.4f} "
            f"{np.std(first, ddof=1):11.4f} {apart:11.1f} sd",
            flush=True,
        )


if __name__ == "__main__":
    main()
