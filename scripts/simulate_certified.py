"""Show that the certified bounds and the intervals hold what they promise.

Simulates pairs of distributions whose ε is known and prints, for each, how often the
certified ε exceeds it (at most 5 % allowed) and how near it comes; then how often the
bound of the mean ε exceeds it, where examples move together; then how often the
half-sampled intervals of the literature's metrics cover the truth (95 % meant). One
process, a few minutes:

    python scripts/simulate_certified.py [certified] [mean] [intervals]
"""

import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from harness.metrics.attacks.certified import certified_epsilon, certified_mean_epsilon
from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.gaussian_dp import gdp_metrics
from harness.metrics.literature.klom import klom_metrics
from harness.metrics.literature.kolmogorov_smirnov import ks_metrics
from harness.metrics.literature.metric_value import MetricValue
from harness.metrics.literature.ulira import ulira_metrics
from harness.metrics.official.epsilon import DELTA
from harness.models.outputs import ModelOutputs

Draw = Callable[[np.random.Generator, tuple[int, int]], NDArray[np.float64]]
MODELS = (64, 256, 1024, 4096)
REPLICAS = 150
"""Simulated benchmarks a line; a share of 0.95 is then good to 0.018."""

MEAN_REPLICAS = 200
"""The same for the bound of the mean."""

EXAMPLES = {64: 20000, 256: 5000, 1024: 1000, 4096: 200}


class Known(NamedTuple):
    """Two distributions and the exact ε between them."""

    name: str
    epsilon: float
    unlearned: Draw
    retrained: Draw


def laplace(epsilon: float) -> Known:
    """Unit Laplace distributions shifted by ε."""
    return Known(
        f"Laplace ε = {epsilon:g}",
        epsilon,
        lambda rng, shape: rng.laplace(epsilon, 1, shape),
        lambda rng, shape: rng.laplace(0, 1, shape),
    )


def randomized_response(epsilon: float) -> Known:
    """A bit that is told truly with probability e^ε / (1 + e^ε)."""
    truth = 1 / (1 + np.exp(-epsilon))
    return Known(
        f"response ε = {epsilon:g}",
        epsilon,
        lambda rng, shape: (rng.random(shape) < truth).astype(float),
        lambda rng, shape: (rng.random(shape) >= truth).astype(float),
    )


def gaussian(mu: float) -> Known:
    """Unit normals shifted by µ, whose ε at δ = 1e-5 is a tail's."""
    low, high = 0.0, 60.0
    for _ in range(100):
        middle = (low + high) / 2
        spent = norm.cdf(mu / 2 - middle / mu)
        spent -= np.exp(middle) * norm.cdf(-mu / 2 - middle / mu)
        low, high = (middle, high) if spent > DELTA else (low, middle)
    return Known(
        f"Gaussian µ = {mu:g}",
        high,
        lambda rng, shape: rng.normal(mu, 1, shape),
        lambda rng, shape: rng.normal(0, 1, shape),
    )


def certified() -> None:
    """Print validity and tightness of the certified ε."""
    cases = [laplace(e) for e in (0, 0.5, 1, 2, 4)]
    cases += [randomized_response(e) for e in (0.5, 1, 2, 4)]
    cases += [gaussian(mu) for mu in (0.5, 1, 2)]
    print(f"{'':18}{'':7}" + "".join(f"{f'N = {n}':>18}" for n in MODELS))
    print(f"{'pair':18}{'ε':>7}" + f"{'above':>10}{'mean':>8}" * len(MODELS))
    for case in cases:
        cells = []
        for models in MODELS:
            rng = np.random.default_rng(models)
            shape = (models, EXAMPLES[models])
            result = certified_epsilon(
                case.unlearned(rng, shape), case.retrained(rng, shape), seed=1
            )
            above = (result.epsilon > case.epsilon + 1e-9).mean()
            cells.append(f"{above:>10.2%}{result.mean:>8.3f}")
        print(f"{case.name:18}{case.epsilon:>7.3f}" + "".join(cells), flush=True)


def correlated(
    rng: np.random.Generator, shape: tuple[int, int], correlation: float
) -> NDArray[np.float64]:
    """Draw unit normals that a run moves together."""
    run = np.sqrt(correlation) * rng.normal(size=(shape[0], 1))
    return np.asarray(run + np.sqrt(1 - correlation) * rng.normal(size=shape))


def mean_bound() -> None:
    """Print how often the bound of the mean, and the mean of bounds, exceed it."""
    print(f"{'µ':>18}{'corr.':>7}{'N':>5}{'mean ε':>8}{'bound above':>13}", end="")
    print(f"{'bound':>8}{'mean of bounds above':>22}{'its mean':>10}")
    few = np.where(np.arange(400) < 20, 4.0, 0.0)
    shifts = {"0": np.zeros(400), "1": np.ones(400), "4 of 20, else 0": few}
    for name, mu in shifts.items():
        values, counts = np.unique(mu, return_counts=True)
        known = [gaussian(value).epsilon if value else 0.0 for value in values]
        truth = float(counts @ known) / len(mu)
        for correlation, models in ((0.0, 64), (0.09, 64), (0.45, 64), (0.45, 16)):
            rng = np.random.default_rng(models)
            found = []
            for seed in range(MEAN_REPLICAS):
                ours, theirs = (
                    correlated(rng, (models, len(mu)), correlation) for _ in range(2)
                )
                pair = ours + mu, theirs
                found.append(
                    (
                        certified_mean_epsilon(*pair, seed=seed),
                        certified_epsilon(*pair, seed=seed).mean,
                    )
                )
            bound, summary = np.array(found).T
            print(
                f"{name:>18}{correlation:7.2f}{models:5d}{truth:8.3f}"
                f"{(bound > truth + 1e-9).mean():13.1%}{bound.mean():8.3f}"
                f"{(summary > truth + 1e-9).mean():22.1%}{summary.mean():10.3f}",
                flush=True,
            )


def noise(
    kind: str, rng: np.random.Generator, shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Draw Gaussian, heavy-tailed or bimodal confidences of about unit spread."""
    if kind == "heavy":
        return rng.standard_t(3, shape)
    if kind == "bimodal":
        place = np.where(rng.random(shape) < 0.5, -0.9, 0.9)
        return np.asarray(place + rng.normal(0, 0.45, shape))
    return rng.normal(size=shape)


def side(
    kind: str, shift: NDArray[np.float64], rng: np.random.Generator, models: int
) -> NDArray[np.float64]:
    """Draw models that also vary as a whole, ``[N, S]``."""
    together = 0.3 * rng.normal(size=(models, 1))
    return shift + together + noise(kind, rng, (models, len(shift)))


def intervals() -> None:
    """Print how often the literature's intervals cover, new examples too."""
    for kind in ("Gaussian", "heavy", "bimodal"):
        for models, examples in ((32, 100), (64, 100), (64, 400)):
            rng = np.random.default_rng(models)
            runs = [
                literature_values(kind, rng, models, examples, seed)
                for seed in range(REPLICAS)
            ]
            cells = [coverage(column) for column in zip(*runs, strict=True)]
            print(f"{kind} N = {models} S = {examples}: {', '.join(cells)}", flush=True)


def coverage(replicas: tuple[MetricValue, ...]) -> str:
    """Return the share of intervals that hold the mean over all replicas."""
    values = np.array([[m.value, m.low, m.high] for m in replicas], dtype=np.float64)
    truth = values[:, 0].mean()
    inside = (values[:, 1] <= truth) & (truth <= values[:, 2])
    return f"{replicas[0].name} {inside.mean():.2f}"


def literature_values(
    kind: str, rng: np.random.Generator, models: int, examples: int, seed: int
) -> list[MetricValue]:
    """Simulate one benchmark and compute its half-sampled metrics."""
    base = rng.normal(0, 2, examples)
    shift = base + rng.normal(1, 0.7, examples)
    unlearned, retrained = (
        ModelOutputs(forget_confidence=side(kind, each, rng, models))
        for each in (shift, base)
    )
    comparison = Comparison(unlearned, retrained, seed=seed)
    metrics = (
        *ulira_metrics(comparison),
        *klom_metrics(comparison),
        *ks_metrics(comparison),
        *gdp_metrics(comparison),
    )
    return [metric for metric in metrics if metric.value is not None]


PARTS = {"certified": certified, "mean": mean_bound, "intervals": intervals}


def main() -> None:
    """Run the parts named on the command line, or all."""
    for name in sys.argv[1:] or PARTS:
        print(f"-- {name}")
        PARTS[name]()


if __name__ == "__main__":
    main()
