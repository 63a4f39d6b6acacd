"""Time every number of a score: part by part, in total, and the peak of memory.

    python -m scripts.bench_measurement [--models 64 --examples 400 --bank 128]
    python -m scripts.bench_measurement --estimate --models 512 --examples 5000

The first makes the arrays of a scoring (one submission, a bank, accuracies, a test set)
and measures it as ``score`` does; the second writes an ``.npz`` file and runs
``unlearn-eval estimate`` on it.  Times are CPU seconds of this process (one core, if
numpy's own threads are off), with wall time beside the total; what the calibrated score
adds is told apart.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from click.testing import CliRunner
from numpy.typing import NDArray

from harness.cli.estimate import estimate
from harness.models.outputs import SETS, ModelOutputs
from harness.models.temperature import fit_calibration
from harness.scoring.measure import Measurement
from harness.scoring.reference import Reference
from scripts.bench_metric import machine, real_like

Floats = NDArray[np.float64]


class Sizes(NamedTuple):
    """How large a scoring is."""

    models: int
    examples: int
    bank: int
    test: int


def drawn(sizes: Sizes, forget: Floats, rng: np.random.Generator) -> ModelOutputs:
    """Return outputs with confidences like real ones and accuracies about 0.7."""
    n_models = len(forget)
    shares = np.clip(rng.normal(0.7, 0.01, (3, n_models)), 0, 1)
    test = rng.normal(1, 2, (n_models, sizes.test)) if sizes.test else None
    accuracies = {f"{of}_accuracy": row for of, row in zip(SETS, shares, strict=True)}
    return ModelOutputs(
        forget_confidence=forget,
        test_confidence=test,
        calibrated_confidence=0.9 * forget,
        **accuracies,
    )


def scoring(sizes: Sizes, rng: np.random.Generator) -> tuple[Measurement, Reference]:
    """Make a submission's outputs and what they are held against."""
    unlearned, bank = real_like(rng, max(sizes.models, sizes.bank), sizes.examples)
    original = drawn(sizes, bank[:1] + 2, rng)
    reference = Reference(drawn(sizes, bank, rng), sizes.models, original)
    ours = drawn(sizes, unlearned[: sizes.models], rng)
    return Measurement(ours, reference), reference


def timed(name: str, work: Callable[[], object]) -> float:
    """Print the CPU time of one part and return it."""
    start = time.process_time()
    work()
    seconds = time.process_time() - start
    print(f"{name:34}{seconds:8.2f} s", flush=True)
    return seconds


def measure(sizes: Sizes, rng: np.random.Generator) -> None:
    """Time the parts of a score."""
    measurement, reference = scoring(sizes, rng)
    places = np.arange(sizes.examples)
    wall = time.perf_counter()
    once = timed("ceiling and floor (once a bank)", lambda: reference.ceilings)
    own = timed("official metric", lambda: measurement.official)
    own += timed("intervals of F and score", lambda: measurement.score)
    again, there = measurement.calibrated, reference.calibrated
    if again is None or there is None:
        raise AssertionError("these outputs are calibrated")
    once += timed("the same, calibrated (once a bank)", lambda: there.ceilings)
    added = timed("F and score, calibrated", lambda: again.score)
    own += added
    own += timed("other metrics, flags, F against N", measurement.metrics)
    own += timed("table of examples", lambda: measurement.examples(places, places))
    added += timed("calibrating the models", lambda: calibrate(sizes, rng))
    print(f"{'a result':34}{own:8.2f} s")
    print(f"{'of it, and calibrating':34}{added:8.2f} s, for calibrated numbers")
    print(f"{'everything':34}{own + once:8.2f} s", end="")
    print(f" ({time.perf_counter() - wall:.2f} s of wall time)")


def calibrate(sizes: Sizes, rng: np.random.Generator) -> None:
    """Fit to ten classes as many models as there are runs, as the evaluator does."""
    targets = rng.integers(0, 10, sizes.test)
    for _ in range(sizes.models if sizes.test else 0):
        logits = rng.normal(size=(sizes.test, 10)) + 3 * np.eye(10)[targets]
        fit_calibration(logits, targets)


def estimate_file(sizes: Sizes, rng: np.random.Generator) -> None:
    """Time ``unlearn-eval estimate`` on a file of confidences."""
    unlearned, retrained = real_like(rng, sizes.models, sizes.examples)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arrays.npz"
        np.savez(path, unlearned=unlearned, retrained=retrained)
        del unlearned, retrained
        wall = time.perf_counter()
        cpu = timed("estimate", lambda: _run(path))
        print(f"{'':34}{time.perf_counter() - wall:8.2f} s of wall time, {cpu:.0f} CPU")


def _run(path: Path) -> None:
    found = CliRunner().invoke(estimate, [str(path)], catch_exceptions=False)
    if found.exit_code != 0:
        raise SystemExit(found.output)
    print(found.output)


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=64)
    parser.add_argument("--examples", type=int, default=400)
    parser.add_argument("--bank", type=int, help="twice the models if not given")
    parser.add_argument("--test", type=int, default=2000, help="test examples")
    parser.add_argument("--estimate", action="store_true", help="time the command")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    bank = options.bank or 2 * options.models
    sizes = Sizes(options.models, options.examples, bank, options.test)
    print(f"{machine()}; N = {sizes.models}, S = {sizes.examples}, bank {sizes.bank}")
    work = estimate_file if options.estimate else measure
    work(sizes, np.random.default_rng(options.seed))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
