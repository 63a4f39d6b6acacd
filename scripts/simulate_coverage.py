"""Hold the interval of forgetting quality to known truths.

Each row simulates benchmarks of one kind: examples that differ in location, spread and
in how well they are forgotten; runs that move all examples together.  The truth is the
mean of F over many replicas at the same number of models.  Run
``python scripts/simulate_coverage.py``; with the defaults (500 benchmarks, 60 examples,
N = 32, 64, 256) it takes about twenty minutes of one core.
"""

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.metrics.epsilon import epsilon
from harness.metrics.interval import Examples, Interval, IntervalOptions
from harness.metrics.official_interval import official_intervals
from harness.metrics.quality import points

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
        )

    def models(
        self, rng: np.random.Generator, n_models: int, *, unlearned: bool
    ) -> Floats:
        """Draw the confidences of fresh models, [N, S]."""
        own = SHAPES[self.shape](rng, (n_models, self.centre.size))
        together = self.loading * rng.normal(size=(n_models, 1))
        noise = (
            math.sqrt(1 - self.run_effect) * own + math.sqrt(self.run_effect) * together
        )
        shift = self.shift if unlearned else 0.0
        return self.centre + shift + self.spread * noise

    def pair(self, rng: np.random.Generator, n_models: int) -> tuple[Floats, Floats]:
        """Draw a benchmark: unlearned and retrained confidences."""
        return (
            self.models(rng, n_models, unlearned=True),
            self.models(rng, n_models, unlearned=False),
        )


class Coverage(NamedTuple):
    """One row: how often intervals held the truth."""

    truth: float
    deviation: float
    half_width: float
    share: float


def quality(pairs: list[tuple[Floats, Floats]]) -> Floats:
    """Return F of several benchmarks in one call."""
    left, right = (np.concatenate(side, axis=1) for side in zip(*pairs, strict=True))
    scored = points(epsilon(left, right).epsilon, len(left))
    return np.asarray(scored.reshape(len(pairs), -1).mean(axis=1))


def simulate(shape: str, n_models: int, options: argparse.Namespace) -> Coverage:
    """Simulate benchmarks of one kind and count how many intervals hold the truth."""
    rng = np.random.default_rng([options.seed, n_models, list(SHAPES).index(shape)])
    fixed = World.of(rng, shape, options)

    def world() -> World:
        sampled = options.examples == "drawn"
        return World.of(rng, shape, options) if sampled else fixed

    batches = range(math.ceil(options.replicas / 20))
    replicas = np.concatenate(
        [quality([world().pair(rng, n_models) for _ in range(20)]) for _ in batches]
    )
    truth = float(replicas.mean())
    examples: Examples = options.examples
    settings = IntervalOptions(examples=examples)
    intervals: list[Interval] = []
    for seed in range(options.benchmarks):
        pair = world().pair(rng, n_models)
        found = official_intervals(*pair, seed=seed, options=settings)
        if isinstance(found.forgetting_quality, Interval):
            intervals.append(found.forgetting_quality)
    widths = [(interval.high - interval.low) / 2 for interval in intervals]
    held = np.mean([truth in interval for interval in intervals])
    return Coverage(
        truth, float(replicas.std(ddof=1)), float(np.mean(widths)), float(held)
    )


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
    parser.add_argument("--examples", choices=("fixed", "drawn"), default="fixed")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(vars(options))
    error = 1.96 * math.sqrt(0.05 * 0.95 / options.benchmarks)
    print(
        f"nominal 95 %; counting {options.benchmarks} benchmarks errs by ±{error:.1%}"
    )
    print(f"{'shape':14}{'N':>5}{'F':>9}{'sd of F':>9}{'half width':>12}{'holds':>8}")
    for n_models in options.models:
        for shape in options.shapes:
            start = time.process_time()
            row = simulate(shape, n_models, options)
            print(
                f"{shape:14}{n_models:5d}{row.truth:9.4f}{row.deviation:9.4f}", end=""
            )
            print(f"{row.half_width:12.4f}{row.share:8.1%}", end="")
            print(f"   ({time.process_time() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
