"""Hold the intervals of paired differences to known truths.

Each row simulates benchmarks of one kind in which A and B, and A and a third method
that is A again, are compared against the same bank.  With examples "fixed" all
benchmarks of a row have the same forget set, with "drawn" each has its own.  Printed
are the share of 95 % intervals that hold the mean difference of all benchmarks, and
how often equal methods are called different (at most 5 % meant).

    python -m scripts.simulate_paired [--examples drawn] [--benchmarks 150]
"""

import argparse
import math
import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.metrics.uncertainty.interval import Examples
from harness.metrics.uncertainty.paired import PairedDifference, difference_of
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.models.outputs import ModelOutputs
from scripts.simulate_coverage import SHAPES

Floats = NDArray[np.float64]
SHIFTS = (0.5, 0.9)
"""Mean shift of A's and of B's confidences, in standard deviations."""


class Task(NamedTuple):
    """One row: what kind of benchmark, and what is asked of it."""

    shape: str
    n_models: int
    size: int
    examples: Examples
    together: float
    bad_seeds: float


class ForgetSet(NamedTuple):
    """Where confidences lie, after retraining and under A and B, [S] each."""

    retrained: Floats
    first: Floats
    second: Floats

    @classmethod
    def draw(cls, rng: np.random.Generator, size: int) -> "ForgetSet":
        """Draw examples that A and B forget unlike."""
        base = rng.normal(0, 2, size)
        return cls(base, *(base + rng.normal(shift, 0.5, size) for shift in SHIFTS))


class Answers(NamedTuple):
    """What one benchmark found of different and of equal methods."""

    different: PairedDifference
    equal: PairedDifference


def models(
    task: Task, centre: Floats, rng: np.random.Generator, bad_seeds: float = 0.0
) -> ModelOutputs:
    """Draw models that also vary as a whole, some of them far off."""
    together = task.together * rng.normal(size=(task.n_models, 1))
    own = SHAPES[task.shape](rng, (task.n_models, centre.size))
    if bad_seeds > 0:
        together -= 3 * (rng.random((task.n_models, 1)) < bad_seeds)
    return ModelOutputs(forget_confidence=centre + together + own)


def benchmark(
    task: Task, forget: ForgetSet, rng: np.random.Generator, seed: int
) -> Answers:
    """Draw a bank, A, B and A again, and compare."""
    bank = models(task, forget.retrained, rng)
    centres = (forget.first, forget.second, forget.first)
    one, other, again = (
        ScoredSubmission.of(models(task, centre, rng, task.bad_seeds), bank, seed=seed)
        for centre in centres
    )
    return Answers(
        difference_of(one, other, examples=task.examples),
        difference_of(one, again, examples=task.examples),
    )


def simulate(task: Task, benchmarks: int) -> str:
    """Return the row of one kind of benchmark."""
    rng = np.random.default_rng([task.n_models, list(SHAPES).index(task.shape)])
    forget = ForgetSet.draw(rng, task.size)
    answers = []
    for seed in range(benchmarks):
        if task.examples == "drawn":
            forget = ForgetSet.draw(rng, task.size)
        answers.append(benchmark(task, forget, rng, seed))
    found = [answer.different for answer in answers]
    truth = float(np.mean([each.difference for each in found]))
    held = np.mean([each.low <= truth <= each.high for each in found])
    width = np.mean([each.high - each.low for each in found]) / 2
    apart = np.mean([answer.equal.separable for answer in answers])
    return f"{truth:11.4f}{width:12.4f}{held:8.1%}{apart:17.1%}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--benchmarks", type=int, default=300)
    parser.add_argument("--size", type=int, default=60, help="number of examples")
    parser.add_argument("--examples", choices=("fixed", "drawn"), default="fixed")
    parser.add_argument(
        "--together",
        type=float,
        default=0.3,
        help="spread of what a run adds to all examples; .64 is a correlation of .29",
    )
    parser.add_argument(
        "--bad-seeds", type=float, default=0.0, help="share of A's and of B's runs"
    )
    options = parser.parse_args()
    print(vars(options))
    error = 1.96 * math.sqrt(0.05 * 0.95 / options.benchmarks)
    print(
        f"nominal 95 %; counting {options.benchmarks} benchmarks errs by ±{error:.1%}"
    )
    print(
        f"{'shape':14}{'N':>5}{'difference':>11}{'half width':>12}{'holds':>8}", end=""
    )
    print(f"{'equal separated':>17}")
    for n_models in options.models:
        for shape in options.shapes:
            start = time.process_time()
            asked = options.examples, options.together, options.bad_seeds
            task = Task(shape, n_models, options.size, *asked)
            row = simulate(task, options.benchmarks)
            seconds = time.process_time() - start
            print(f"{shape:14}{n_models:5d}{row}   ({seconds:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
