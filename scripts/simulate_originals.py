"""Hold intervals and comparisons over several original models to known truths.

Each row simulates benchmarks of one kind: a forget set, original models that differ,
runs that move all their examples together, and a share of bad seeds that are far off
as a whole.  The truth is the mean over many replicas, each with fresh models and fresh
originals.  Printed are

- how often the interval of F held it, for these examples and for fresh ones; and the
  value of a second scoring on the same originals against the same bank;
- how often the same method was called different from itself: on the same originals,
  and on fresh ones (at most 5 % meant), for these examples and for fresh ones.

    python -m scripts.simulate_originals [--originals 1 4] [--quick]

`correlation` is about the mean pairwise correlation of examples over runs; the first
principal component then explains 1.6 times as much.
"""

import argparse
import math
import time
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.metrics.inputs.confidence import forget_pair
from harness.metrics.official.epsilon import DELTA, epsilon
from harness.metrics.official.quality import points
from harness.metrics.uncertainty.interval import (
    Interval,
    IntervalOptions,
    Unavailable,
)
from harness.metrics.uncertainty.official_interval import (
    intervals_of,
    repetition_intervals,
)
from harness.metrics.uncertainty.originals import originals_intervals
from harness.metrics.uncertainty.paired import difference_of
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.metrics.uncertainty.scoring_noise import Scoring
from harness.models.outputs import ModelOutputs

Floats = NDArray[np.float64]
_LOADING = 0.8
"""Mean loading of an example on its run's effect; the mean square is 1."""


class Kind(NamedTuple):
    """What benchmarks of a row are like."""

    n_originals: int
    n_models: int
    original_sd: float
    correlation: float
    bad_seeds: float


@dataclass(frozen=True)
class World:
    """A forget set of S examples, and what models do on it, ``[S]`` each."""

    kind: Kind
    centre: Floats
    spread: Floats
    shift: Floats
    loading: Floats

    @classmethod
    def of(cls, rng: np.random.Generator, kind: Kind, size: int) -> "World":
        """Draw a forget set."""
        own = rng.normal(size=size)
        own = (own - own.mean()) / own.std()
        return cls(
            kind,
            rng.normal(1, 2, size),
            rng.uniform(0.6, 1.5, size),
            0.6 * np.abs(rng.normal(1, 0.7, size)),
            _LOADING + math.sqrt(1 - _LOADING**2) * own,
        )

    def originals(self, rng: np.random.Generator) -> Floats:
        """Draw how far each original moves what is unlearned from it, ``[K, S]``."""
        kind, size = self.kind, self.centre.size
        together = rng.normal(size=(kind.n_originals, 1))
        own = rng.normal(0, 0.5, size=(kind.n_originals, size))
        return self.shift * (1 + kind.original_sd * (together + own))

    def models(self, rng: np.random.Generator, shift: Floats) -> ModelOutputs:
        """Draw fresh models."""
        kind, shape = self.kind, (self.kind.n_models, self.centre.size)
        shared = kind.correlation / _LOADING**2
        noise = math.sqrt(1 - shared) * rng.normal(size=shape)
        noise += math.sqrt(shared) * self.loading * rng.normal(size=(shape[0], 1))
        bad = rng.random((shape[0], 1)) < kind.bad_seeds
        confidence = self.centre + shift + self.spread * (noise - 3 * bad)
        return ModelOutputs(forget_confidence=confidence)

    def unlearned(self, rng: np.random.Generator, shifts: Floats) -> list[ModelOutputs]:
        """Draw fresh unlearned models of each original."""
        return [self.models(rng, shift) for shift in shifts]

    def retrained(self, rng: np.random.Generator) -> ModelOutputs:
        """Draw a bank, in which no seed is bad."""
        good = replace(self, kind=self.kind._replace(bad_seeds=0.0))
        return good.models(rng, np.zeros(self.centre.size))


def value(unlearned: list[ModelOutputs], retrained: ModelOutputs) -> float:
    """Return F in the mean over the originals."""
    left = np.concatenate([each.forget_confidence for each in unlearned], axis=1)
    right = np.tile(retrained.forget_confidence, (1, len(unlearned)))
    return float(points(epsilon(left, right).epsilon, len(left)).mean())


def placed(unlearned: list[ModelOutputs]) -> ModelOutputs:
    """Put models of several originals together, with their places."""
    return ModelOutputs.stack(
        [
            replace(each, original=np.full(len(each), place))
            for place, each in enumerate(unlearned)
        ]
    )


def intervals(
    unlearned: list[ModelOutputs], scored: ScoredSubmission, bank: ModelOutputs
) -> list[Interval]:
    """Return the intervals of F: these examples, fresh ones, a second scoring."""
    if len(unlearned) == 1:
        pair, drawn = forget_pair(unlearned[0], bank), IntervalOptions(examples="drawn")
        scoring = Scoring.of(pair, np.random.default_rng(scored.seed), DELTA)
        again = repetition_intervals(unlearned[0], bank, seed=scored.seed)
        found: list[Interval | Unavailable] = [
            intervals_of(scoring).forgetting_quality,
            intervals_of(scoring, options=drawn).forgetting_quality,
            again.forgetting_quality,
        ]
    else:
        parts = zip(scored.earned, *scored.divisions, strict=True)
        found = list(
            originals_intervals(
                [(earned, tuple(divisions)) for earned, *divisions in parts],
                factor=1.0,
                n_fewest=scored.n_fewest,
                outliers=scored.outliers,
                untouched=False,
            )
        )
    return [each for each in found if isinstance(each, Interval)]


def simulate(kind: Kind, options: argparse.Namespace) -> str:
    """Return the row of one kind of benchmark."""
    rng = np.random.default_rng([options.seed, *(int(1000 * each) for each in kind)])
    world = World.of(rng, kind, options.size)

    def fresh(world: World) -> float:
        shifts = world.originals(rng)
        return value(world.unlearned(rng, shifts), world.retrained(rng))

    truth = np.array([fresh(world) for _ in range(options.replicas)])
    worlds = [World.of(rng, kind, options.size) for _ in range(options.replicas)]
    on_others = float(np.mean([fresh(other) for other in worlds]))
    held, apart = [], []
    for seed in range(options.benchmarks):
        shifts, bank = world.originals(rng), world.retrained(rng)
        runs = world.unlearned(rng, shifts)
        scored = ScoredSubmission.of(placed(runs), bank, seed=seed)
        again = world.unlearned(rng, shifts)
        ends = intervals(runs, scored, bank)
        held.append([float(truth.mean()) in ends[0], value(again, bank) in ends[2]])
        others = again, world.unlearned(rng, world.originals(rng))
        found = [ScoredSubmission.of(placed(o), bank, seed=seed) for o in others]
        apart.append(
            [
                difference_of(scored, other, examples=examples).separable
                for other in found
                for examples in ("fixed", "drawn")
            ]
        )
    drawn = []
    for seed in range(options.benchmarks // 2):
        other = World.of(rng, kind, options.size)
        bank, runs = other.retrained(rng), other.unlearned(rng, other.originals(rng))
        scored = ScoredSubmission.of(placed(runs), bank, seed=seed)
        drawn.append(on_others in intervals(runs, scored, bank)[1])
    shares = [*np.mean(held, axis=0), np.mean(drawn), *np.mean(apart, axis=0)]
    deviation = truth.std(ddof=1) / truth.mean()
    return f"{truth.mean():8.4f}{deviation:8.1%}" + "".join(
        f"{share:8.1%}" for share in shares
    )


def sizes_parser(
    description: str | None, *, benchmarks: int, replicas: int
) -> argparse.ArgumentParser:
    """Return a parser of how much is to be simulated."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--benchmarks", type=int, default=benchmarks)
    parser.add_argument("--replicas", type=int, default=replicas, help="for the truth")
    parser.add_argument("--size", type=int, default=60, help="number of examples")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a minute, and no more")
    return parser


def main() -> None:
    """Print the table."""
    parser = sizes_parser(__doc__, benchmarks=300, replicas=1000)
    parser.add_argument("--originals", type=int, nargs="+", default=[4])
    parser.add_argument("--models", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--original-sd", type=float, nargs="+", default=[0.0, 0.2])
    parser.add_argument(
        "--correlation", type=float, nargs="+", default=[0.001, 0.09, 0.29]
    )
    parser.add_argument("--bad-seeds", type=float, nargs="+", default=[0.0])
    options = parser.parse_args()
    if options.quick:
        options.benchmarks, options.replicas, options.size = 10, 40, 20
        options.models, options.correlation = [16], [0.09]
    print(vars(options))
    error = 1.96 * math.sqrt(0.05 * 0.95 / options.benchmarks)
    print(
        f"nominal 95 %; counting {options.benchmarks} benchmarks errs by ±{error:.1%}"
    )
    print(f"{'':39}{'':16}{'holds':>24}{'same originals':>16}{'fresh ones':>16}")
    print(
        f"{'K':>3}{'N':>5}{'original sd':>13}{'corr.':>7}{'bad seeds':>11}"
        f"{'F':>8}{'sd':>8}{'fixed':>8}{'again':>8}{'drawn':>8}"
        + f"{'fixed':>8}{'drawn':>8}"
        * 2
    )
    kinds = product(
        options.originals,
        options.models,
        options.original_sd,
        options.correlation,
        options.bad_seeds,
    )
    for kind in map(Kind._make, kinds):
        if kind.n_originals == 1 and kind.original_sd > 0:
            continue
        start = time.process_time()
        row = simulate(kind, options)
        seconds = time.process_time() - start
        print(
            f"{kind.n_originals:3d}{kind.n_models:5d}{kind.original_sd:13.2f}"
            f"{kind.correlation:7.3f}{kind.bad_seeds:11.2f}{row}   ({seconds:.0f} s)",
            flush=True,
        )


if __name__ == "__main__":
    main()
