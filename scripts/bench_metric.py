"""Time the official epsilon: ours, the literal transcription's, and that of sorting.

Run ``python scripts/bench_metric.py``; it takes about a minute on one core.  Times are
CPU seconds of this process, the best of three, so that a busy machine tells the same.
"""

import argparse
import importlib.util
import os
import platform
import resource
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.metrics.official.epsilon import epsilon

SIZES = (64, 512, 1024)
LITERAL = Path(__file__).parents[1] / "tests" / "metrics" / "literal.py"

Floats = NDArray[np.float64]


class Row(NamedTuple):
    """Microseconds an example."""

    kind: str
    n_models: int
    ours: float
    literal: float
    sort: float


def gaussian(rng: np.random.Generator, n_models: int, n_examples: int) -> Floats:
    """Confidences of unlearned and retrained models, [2, N, S], one bell each."""
    shift = np.stack([rng.normal(0, 0.7, n_examples), np.zeros(n_examples)])
    return rng.normal(shift[:, None], 1, (2, n_models, n_examples))


def real_like(rng: np.random.Generator, n_models: int, n_examples: int) -> Floats:
    """Confidences as real networks give: two modes, heavy tails, spreads that vary."""
    shape = (2, n_models, n_examples)
    spread = rng.uniform(0.5, 2.5, n_examples)
    second_mode = 4 * (rng.random(shape) < rng.uniform(0, 0.5, n_examples))
    shift = np.stack([rng.normal(0.5, 0.7, n_examples), np.zeros(n_examples)])
    return (rng.standard_t(4, shape) + second_mode) * spread + shift[:, None]


def cpu_seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Return the least CPU time of a few repeats."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def literal_module() -> ModuleType:
    """Load the slow transcription that the tests use."""
    spec = importlib.util.spec_from_file_location("literal", LITERAL)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{LITERAL} is missing; run this from a source checkout.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measure(kind: str, sample: Floats, slow_examples: int) -> Row:
    """Time the three on confidences [2, N, S], and check that they agree."""
    unlearned, retrained = sample
    literal = literal_module().literal_epsilon
    few = range(slow_examples)
    expected = [literal(unlearned[:, s], retrained[:, s]).epsilon for s in few]
    np.testing.assert_allclose(
        epsilon(unlearned, retrained).epsilon[: len(few)], expected, atol=1e-9
    )
    joined = np.ascontiguousarray(np.concatenate(sample).T)
    n_examples = len(joined)
    ours = cpu_seconds(lambda: epsilon(unlearned, retrained))
    slow = cpu_seconds(
        lambda: [literal(unlearned[:, s], retrained[:, s]) for s in few], repeats=1
    )
    sort = cpu_seconds(lambda: np.sort(joined, axis=1))
    return Row(
        kind,
        len(unlearned),
        ours / n_examples * 1e6,
        slow / slow_examples * 1e6,
        sort / n_examples * 1e6,
    )


def machine() -> str:
    """Name the processor, its cores and the numpy in use."""
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        names = [line.split(":")[1].strip() for line in lines if "model name" in line]
        cpu = names[0] if names else cpu
    return f"{cpu}, {os.cpu_count()} cores, numpy {np.__version__}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=1000, help="examples for ours")
    parser.add_argument("--slow-examples", type=int, default=3, help="for the literal")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"{machine()}; microseconds of one core an example")
    print(f"{'confidences':12}{'N':>6}{'ours':>9}{'literal':>11}{'sort':>8}", end="")
    print(f"{'literal/ours':>14}{'ours/sort':>11}")
    for kind in (gaussian, real_like):
        for n_models in SIZES:
            rng = np.random.default_rng(options.seed)
            sample = kind(rng, n_models, options.examples)
            row = measure(kind.__name__, sample, options.slow_examples)
            print(f"{row.kind:12}{row.n_models:6d}{row.ours:9.0f}", end="")
            print(f"{row.literal:11.0f}{row.sort:8.1f}", end="")
            print(f"{row.literal / row.ours:13.0f}×{row.ours / row.sort:10.0f}×")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"peak memory {peak:.0f} MB with {options.examples} examples")


if __name__ == "__main__":
    main()
