"""Hold the intervals of forgetting quality and of the score to known truths.

Each row simulates benchmarks of one kind: examples that differ in location, spread and
in how well they are forgotten; runs that move all examples, and their accuracies,
together.  The truth is the mean of F, and of the score, over many replicas at the same
number of models: on the same examples, or with ``--examples drawn`` each on its own.
On the same examples each benchmark is also scored a second time, against the same
retrained models: "again" is how often that value lies in the interval for a
repetition, and "in mean" how often in that of the mean.  A ``--run-effect`` of .59 is a
mean correlation of .29 between examples; ``--bad-seeds`` shifts a share of the
unlearned models as a whole; ``scripts/simulate_originals.py`` has several originals.
Run ``python scripts/simulate_coverage.py``; with the defaults (500 benchmarks, 60
examples, N = 32, 64, 256) it takes about three quarters of an hour of one core.
"""

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.metrics.official.epsilon import epsilon
from harness.metrics.official.quality import points
from harness.metrics.official.utility import Utility
from harness.metrics.uncertainty.interval import Examples, Interval, IntervalOptions
from harness.metrics.uncertainty.official_interval import (
    OfficialIntervals,
    official_intervals,
    repetition_intervals,
)
from harness.models.outputs import ModelOutputs

Floats = NDArray[np.float64]


def gaussian(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """One bell."""
    return rng.normal(size=shape)


def heavy_tailed(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Student's t with 3 degrees of freedom."""
    return rng.standard_t(3, shape) / 1.3


def bimodal(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Two bells, as of an example that some runs get right and others wrong."""
    return rng.normal(0, 0.5, shape) + np.where(rng.random(shape) < 0.4, 1.5, -1.0)


SHAPES: dict[str, Callable[[np.random.Generator, tuple[int, int]], Floats]] = {
    "gaussian": gaussian,
    "heavy-tailed": heavy_tailed,
    "bimodal": bimodal,
}


@dataclass(frozen=True)
class World:
    """Where confidences come from: parameters of S examples, each of shape [S]."""

    shape: str
    centre: Floats
    spread: Floats
    shift: Floats
    loading: Floats
    run_effect: float
    bad_seeds: float = 0.0

    @classmethod
    def of(
        cls, rng: np.random.Generator, shape: str, options: argparse.Namespace
    ) -> "World":
        """Draw a forget set."""
        size = options.size
        return cls(
            shape,
            rng.normal(1, 2, size),
            rng.uniform(0.6, 1.5, size),
            options.shift * np.abs(rng.normal(1, 0.7, size)),
            rng.normal(0.7, 0.7, size),
            options.run_effect,
            options.bad_seeds,
        )

    def side(
        self, rng: np.random.Generator, n_models: int, *, unlearned: bool
    ) -> ModelOutputs:
        """Draw fresh models."""
        own = SHAPES[self.shape](rng, (n_models, self.centre.size))
        run = rng.normal(size=(n_models, 1))
        noise = math.sqrt(1 - self.run_effect) * own
        noise += math.sqrt(self.run_effect) * self.loading * run
        shift = self.shift if unlearned else 0.0
        if unlearned and self.bad_seeds > 0:
            noise -= 3 * (rng.random((n_models, 1)) < self.bad_seeds)
        # A run that is surer of the forget set is better elsewhere, too, by half.
        skill = (run[:, 0] + rng.normal(size=n_models)) / math.sqrt(2)
        lost = 0.03 if unlearned else 0.0
        retain = np.clip(0.95 - lost + 0.02 * skill, 0, 1)
        return ModelOutputs(
            forget_confidence=self.centre + shift + self.spread * noise,
            retain_accuracy=retain,
            forget_accuracy=retain,
            test_accuracy=np.clip(0.70 - lost + 0.04 * skill, 0, 1),
        )

    def benchmark(self, rng: np.random.Generator, n_models: int) -> "Benchmark":
        """Draw a benchmark: unlearned and retrained models."""
        return Benchmark(
            self.side(rng, n_models, unlearned=True),
            self.side(rng, n_models, unlearned=False),
        )


class Benchmark(NamedTuple):
    """Models of both sides, with accuracies."""

    unlearned: ModelOutputs
    retrained: ModelOutputs

    def again(self, world: World, rng: np.random.Generator) -> "Benchmark":
        """Unlearn anew, against the same retrained models."""
        n_models = len(self.unlearned)
        return Benchmark(world.side(rng, n_models, unlearned=True), self.retrained)

    @property
    def utility(self) -> float:
        """The factor by which F becomes the score."""
        return Utility(*self).factor


class Coverage(NamedTuple):
    """How often the intervals of F, or of the score, held the truth."""

    truth: float
    deviation: float
    half_width: float
    share: float

    @classmethod
    def of(cls, replicas: Floats, intervals: list[Interval]) -> "Coverage":
        """Hold intervals to the mean of replicas."""
        truth = float(replicas.mean())
        widths = [(interval.high - interval.low) / 2 for interval in intervals]
        held = np.mean([truth in interval for interval in intervals])
        return cls(
            truth, float(replicas.std(ddof=1)), float(np.mean(widths)), float(held)
        )

    def __str__(self) -> str:
        return (
            f"{self.truth:9.4f}{self.deviation:9.4f}"
            f"{self.half_width:12.4f}{self.share:8.1%}"
        )


def values(benchmarks: list[Benchmark]) -> Floats:
    """Return F and score of several benchmarks in one call, [2, K]."""
    left, right = (
        np.concatenate([models.forget_confidence for models in group], axis=1)
        for group in zip(*benchmarks, strict=True)
    )
    scored = points(epsilon(left, right).epsilon, len(left))
    quality = scored.reshape(len(benchmarks), -1).mean(axis=1)
    utility = np.array([each.utility for each in benchmarks])
    return np.stack([quality, quality * utility])


class Simulated(NamedTuple):
    """What became of the benchmarks of one kind.

    Attributes
    ----------
    quality, score : Coverage
        Of the truth.
    again : ndarray of float64, shape [2]
        Share of second values, of F and of the score, in intervals for a repetition.
    in_mean : ndarray of float64, shape [2]
        The same in intervals of the mean.
    """

    quality: Coverage
    score: Coverage
    again: Floats
    in_mean: Floats

    def __str__(self) -> str:
        seconds = (f"{share:10.1%}" for share in (*self.again, *self.in_mean))
        return f"{self.quality}{self.score}{''.join(seconds)}"


def ends(found: OfficialIntervals) -> list[Interval]:
    """Return the intervals of F and of the score, which must be there."""
    both = found.forgetting_quality, found.score
    return [each for each in both if isinstance(each, Interval)]


def simulate(shape: str, n_models: int, options: argparse.Namespace) -> Simulated:
    """Simulate benchmarks of one kind; count intervals of F and of the score."""
    rng = np.random.default_rng([options.seed, n_models, list(SHAPES).index(shape)])
    fixed = World.of(rng, shape, options)

    def draw() -> Benchmark:
        world = World.of(rng, shape, options) if options.examples == "drawn" else fixed
        return world.benchmark(rng, n_models)

    batches = range(math.ceil(options.replicas / 20))
    replicas = np.concatenate(
        [values([draw() for _ in range(20)]) for _ in batches], axis=1
    )
    examples: Examples = options.examples
    settings = IntervalOptions(examples=examples)
    intervals, repetitions, seconds = [], [], []
    for seed in range(options.benchmarks):
        drawn = draw()
        intervals.append(ends(official_intervals(*drawn, seed=seed, options=settings)))
        if options.examples == "fixed":
            repetitions.append(ends(repetition_intervals(*drawn, seed=seed)))
            seconds.append(values([drawn.again(fixed, rng)])[:, 0])
    quality, score = zip(*intervals, strict=True)
    return Simulated(
        Coverage.of(replicas[0], list(quality)),
        Coverage.of(replicas[1], list(score)),
        share_held(seconds, repetitions),
        share_held(seconds, intervals[: len(seconds)]),
    )


def share_held(found: list[Floats], intervals: list[list[Interval]]) -> Floats:
    """Return how often F and score lay in their intervals, [2]; [0] without any."""
    held = [
        [value in interval for value, interval in zip(*pair, strict=True)]
        for pair in zip(found, intervals, strict=True)
    ]
    return np.mean(held, axis=0) if held else np.array([])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, nargs="+", default=[32, 64, 256])
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--benchmarks", type=int, default=500)
    parser.add_argument("--replicas", type=int, default=1500, help="for the truth")
    parser.add_argument("--size", type=int, default=60, help="number of examples")
    parser.add_argument("--shift", type=float, default=0.7, help="in spreads")
    parser.add_argument("--run-effect", type=float, default=0.1, help="of variance")
    parser.add_argument(
        "--bad-seeds", type=float, default=0.0, help="share, far off as a whole"
    )
    parser.add_argument("--examples", choices=("fixed", "drawn"), default="fixed")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(vars(options))
    error = 1.96 * math.sqrt(0.05 * 0.95 / options.benchmarks)
    print(
        f"nominal 95 %; counting {options.benchmarks} benchmarks errs by ±{error:.1%}"
    )
    head = "".join(
        f"{name:>9}{'sd':>9}{'half width':>12}{'holds':>8}" for name in ("F", "score")
    )
    if options.examples == "fixed":
        head += "".join(f"{n:>10}" for n in ("F again", "score", "F in mean", "score"))
    print(f"{'shape':14}{'N':>5}{head}")
    for n_models in options.models:
        for shape in options.shapes:
            start = time.process_time()
            found = simulate(shape, n_models, options)
            seconds = time.process_time() - start
            print(f"{shape:14}{n_models:5d}{found}   ({seconds:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
