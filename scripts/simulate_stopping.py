"""Hold intervals and comparisons that stop early to known truths.

Simulated benchmarks as in `scripts.simulate_originals`, each looked at with a quarter,
half and all of its models, as ``score --precision`` and ``--until-separable`` do.
Printed are, for each precision, how often the interval of the look that ended the
scoring held the truth of its N, and the runs that were saved; and how often a method
was told from itself, at any look, on the same originals (at most 5 % meant).

    python -m scripts.simulate_stopping [--quick]
"""

import argparse

import numpy as np

from harness.metrics.uncertainty.paired import ALPHA, difference_of
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.models.outputs import ModelOutputs
from harness.scoring.stopping import looks
from scripts.simulate_originals import (
    Kind,
    World,
    intervals,
    placed,
    sizes_parser,
    value,
)

PRECISIONS = (0.1, 0.2, 0.3)


def first(models: list[ModelOutputs], n_models: int) -> list[ModelOutputs]:
    """Keep the first models of each original."""
    return [each.first(n_models) for each in models]


def simulate(world: World, options: argparse.Namespace) -> None:
    """Print the rows of one kind of benchmark."""
    rng = np.random.default_rng(options.seed)
    sizes = looks(world.kind.n_models)
    truths = dict.fromkeys(sizes, 0.0)
    for _ in range(options.replicas):
        runs = world.unlearned(rng, world.originals(rng))
        bank = world.retrained(rng)
        for n in sizes:
            truths[n] += value(first(runs, n), bank.first(n)) / options.replicas
    held: dict[float, list[bool]] = {p: [] for p in PRECISIONS}
    ended: dict[float, list[int]] = {p: [] for p in PRECISIONS}
    told_apart = []
    for seed in range(options.benchmarks):
        shifts, bank = world.originals(rng), world.retrained(rng)
        runs, again = (world.unlearned(rng, shifts) for _ in range(2))
        found, p_values = {}, []
        for n in sizes:
            some, ours = bank.first(n), first(runs, n)
            scored = ScoredSubmission.of(placed(ours), some, seed=seed)
            found[n] = intervals(ours, scored, some)[0]
            other = ScoredSubmission.of(placed(first(again, n)), some, seed=seed)
            p_values.append(difference_of(scored, other).p_value)
        told_apart.append(min(p_values) < ALPHA / len(sizes))
        for p in PRECISIONS:
            n = next((n for n in sizes if _half(found[n]) <= p), sizes[-1])
            held[p].append(truths[n] in found[n])
            ended[p].append(n)
    kind = world.kind
    print(f"K = {kind.n_originals}, originals differ {kind.original_sd}, ", end="")
    print(f"correlation {kind.correlation}: F {truths[sizes[-1]]:.3f}")
    for p in PRECISIONS:
        saved = 1 - np.mean(ended[p]) / sizes[-1]
        shares = ", ".join(f"{n}: {np.mean(np.equal(ended[p], n)):.0%}" for n in sizes)
        print(f"  precision {p}: held {np.mean(held[p]):.1%}, saved {saved:.0%} of ")
        print(f"    the runs (ended at {shares})")
    print(f"  told from itself at any look: {np.mean(told_apart):.1%}", flush=True)


def _half(interval: object) -> float:
    low, high = interval.low, interval.high  # type: ignore[attr-defined]
    return float((high - low) / (high + low))


def main() -> None:
    """Print all kinds."""
    parser = sizes_parser(__doc__, benchmarks=300, replicas=600)
    parser.add_argument("--models", type=int, default=64)
    options = parser.parse_args()
    if options.quick:
        options.benchmarks, options.replicas, options.size = 8, 20, 20
    for k, deviation, correlation in ((1, 0.0, 0.09), (4, 0.1, 0.09), (4, 0.1, 0.001)):
        kind = Kind(k, options.models, deviation, correlation, 0.0)
        simulate(World.of(np.random.default_rng(1), kind, options.size), options)


if __name__ == "__main__":
    main()
