"""Repeat three published ablations on a split that no leaderboard uses.

    python scripts/ablations.py --keep ablations --write docs/ablations.md

Each variant is a shipped submission with some of its constants, or one of its
functions, replaced. It is run N times on split seed 7 (where the constants were tuned,
too, but with other seeds) and compared with as many retrained models; what the bank
lacks is trained first. One process, about a CPU minute a variant at N = 64; ``--keep``
names a folder for what the runs did, so that the same command goes on where it was.
"""

import argparse
import runpy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from harness.metrics.uncertainty.paired import PairedDifference, paired_difference
from harness.models.outputs import SETS, ModelOutputs
from harness.reference import ReferenceBank
from harness.reference.build import build_bank
from harness.reference.plan import BuildPlan
from harness.track import find_track
from scripts.pages import table, write_page
from scripts.tune_baselines import (
    SPLIT_SEED,
    SUBMISSIONS,
    Constants,
    Pair,
    Tuning,
)

TRACK = "cifar10-quick"
FISHER_IMAGES = 128
#: Of a variant's models, in its kept file.
_KEPT = ("forget_confidence", *(f"{of}_accuracy" for of in SETS))
_SEED = 2023  # of the divisions of the models behind an interval
_SEEDS_A_VARIANT = 1000  # those below are tuning's

Steps = Callable[[Any, int], Iterator[Any]]
Redraw = Callable[[nn.Module], None]


@dataclass(frozen=True)
class Variant:
    """A submission with something replaced.

    Attributes
    ----------
    name : str
        What the folder of ``--keep`` calls it.
    submission : str
        File name without ``.py``.
    replaced : callable
        From the bench to the constants and functions that are replaced.
    """

    name: str
    submission: str
    replaced: Callable[[Tuning], Constants]


@dataclass(frozen=True)
class Ablation:
    """Two variants, and what their difference was in the competition.

    Attributes
    ----------
    change : str
        What the second does that the first does not.
    first, second : Variant
    published : tuple of float
        Public scores of the first and of the second.
    """

    change: str
    first: Variant
    second: Variant
    published: tuple[float, float]


class Repeated(NamedTuple):
    """An ablation with the differences found here, second minus first."""

    ablation: Ablation
    quality: PairedDifference
    score: PairedDifference

    @property
    def verdict(self) -> str:
        """Whether the published difference is there, in score."""
        first, second = self.ablation.published
        if not self.score.separable:
            return "not separable"
        same = (second > first) == (self.score.difference > 0)
        return "holds" if same else "the reverse holds"


def constants(**replaced: Any) -> Callable[[Tuning], Constants]:
    """Return replacements that need nothing of the bench."""
    return lambda bench: replaced


def by_fisher(set_name: str) -> Callable[[Tuning], Constants]:
    """Return replacements that re-draw the layers with most Fisher information."""

    def replaced(bench: Tuning) -> Constants:
        images, targets = bench.sets[set_name]
        few = images[:FISHER_IMAGES], targets[:FISHER_IMAGES]
        share = runpy.run_path(str(SUBMISSIONS / "forget_cycles.py"))["REDRAWN"]
        return {"redraw_layers": fisher_redraw(few, share)}

    return replaced


def fisher_redraw(examples: Pair, share: float) -> Redraw:
    """Return a function that re-initialises the layers that matter most to examples.

    Parameters
    ----------
    examples : tuple of Tensor
        Images and targets that the Fisher information is taken on.
    share : float
        Layers to re-initialise, as a share of all that there are to choose from.
    """

    def redraw(network: nn.Module) -> None:
        pool = [
            module
            for module in network.modules()
            if isinstance(module, nn.Conv2d) and module.kernel_size != (1, 1)
        ]
        found = information(network, pool, examples)
        ranked = sorted(range(len(pool)), key=lambda i: -found[i])
        for index in ranked[: max(1, round(share * len(pool)))]:
            pool[index].reset_parameters()

    return redraw


def information(
    network: nn.Module, layers: list[nn.Conv2d], examples: Pair
) -> list[float]:
    """Return each layer's mean squared gradient a weight, over single examples."""
    was_training = network.training
    network.eval()
    sums = [0.0] * len(layers)
    for image, target in zip(*examples, strict=True):
        network.zero_grad()
        loss = F.cross_entropy(network(image[None]), target[None])
        loss.backward()  # type: ignore[no-untyped-call]
        for i, layer in enumerate(layers):
            sums[i] += float(_gradient(layer).square().mean())
    network.train(was_training)
    return [total / len(examples[0]) for total in sums]


def _gradient(layer: nn.Conv2d) -> Tensor:
    if layer.weight.grad is None:
        raise AssertionError("the loss depends on every layer")
    return layer.weight.grad


def every_second() -> Steps:
    """Return an ``islice`` that is empty at every odd call."""
    calls = count(1)

    def steps(batches: Any, n_steps: int) -> Iterator[Any]:
        return islice(batches, 0 if next(calls) % 2 else n_steps)

    return steps


SHIPPED_CYCLES = Variant("cycles", "forget_cycles", constants())
ONE_ROUND = Variant("one-round", "fanchuan", constants(ROUNDS=1))
ABLATIONS = (
    Ablation(
        "Forget: re-draw the layers with most Fisher information on the forget set, "
        "not random ones",
        SHIPPED_CYCLES,
        Variant("fisher-forget", "forget_cycles", by_fisher("forget")),
        (0.0617, 0.0486),
    ),
    Ablation(
        "Forget: the same, information on the retain set",
        SHIPPED_CYCLES,
        Variant("fisher-retain", "forget_cycles", by_fisher("retain")),
        (0.0617, 0.0486),
    ),
    Ablation(
        "Forget: distil on images with pixel noise of 0.1, not on clean ones",
        Variant("clean", "forget_cycles", constants(PIXEL_NOISE=0.0)),
        Variant("noisy", "forget_cycles", constants(PIXEL_NOISE=0.1)),
        (0.0617, 0.0653),
    ),
    Ablation(
        "Fanchuan: two forget rounds before a retain round, not one",
        ONE_ROUND,
        Variant(
            "two-rounds",
            "fanchuan",
            lambda bench: {"ROUNDS": 2, "islice": every_second()},
        ),
        (0.0914, 0.0791),
    ),
    Ablation(
        "Fanchuan: two forget rounds, half the retain round after each",
        ONE_ROUND,
        Variant("two-halves", "fanchuan", constants(ROUNDS=2, RETAIN_SHARE=0.5)),
        (0.0914, 0.0791),
    ),
)


def make_bench(n_models: int) -> Tuning:
    """Load the tuning split, its bank grown to N models where it is smaller."""
    track = find_track(TRACK, split_seed=SPLIT_SEED)
    build_bank(BuildPlan(track=track, n_models=n_models, jobs=1), lambda done: None)
    return Tuning(TRACK)


def retrained(bank: ReferenceBank, n_models: int) -> ModelOutputs:
    """Return the first N retrained models of a bank."""
    return bank.retrained.first(n_models)


def seeds_of(place: int, n_models: int) -> range:
    """Return the seeds of a variant's runs, by its place among the variants."""
    first = _SEEDS_A_VARIANT * (place + 1)
    return range(first, first + n_models)


def unlearned(
    bench: Tuning, variant: Variant, seeds: range, keep: Path | None
) -> ModelOutputs:
    """Run a variant with each seed, or read what it did before."""
    path = keep / f"{variant.name}-{seeds.start}-n{len(seeds)}.npz" if keep else None
    if path is not None and path.exists():
        with np.load(path, allow_pickle=False) as arrays:
            return ModelOutputs(**{name: arrays[name] for name in _KEPT})
    found = run_all(bench, variant, seeds)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **{name: getattr(found, name) for name in _KEPT})
    return found


def run_all(bench: Tuning, variant: Variant, seeds: range) -> ModelOutputs:
    """Run a variant with each seed and judge the models."""
    replaced = variant.replaced(bench)
    path = SUBMISSIONS / f"{variant.submission}.py"
    tables = [bench.evaluate(bench.run(path, replaced, seed)) for seed in seeds]
    return ModelOutputs.stack(tables)


def repeat(
    ablation: Ablation, sides: dict[str, ModelOutputs], bank: ModelOutputs
) -> Repeated:
    """Compare both variants of an ablation.

    Parameters
    ----------
    ablation : Ablation
    sides : dict of ModelOutputs
        By the variants' names.
    bank : ModelOutputs
        The retrained models.
    """
    pair = sides[ablation.second.name], sides[ablation.first.name]
    bare = [
        ModelOutputs(forget_confidence=each.forget_confidence) for each in (*pair, bank)
    ]
    return Repeated(
        ablation,
        paired_difference(*bare, seed=_SEED),
        paired_difference(*pair, bank, seed=_SEED),
    )


def report(repeated: list[Repeated], n_models: int) -> str:
    """Lay out the ablations as Markdown."""
    header = (
        "change",
        "published score",
        "score here",
        "difference (95 %)",
        "F here",
        "difference (95 %)",
        "the published difference",
    )
    rows = [
        (
            found.ablation.change,
            "{:.4f} → {:.4f}".format(*found.ablation.published),
            *(cell for d in (found.score, found.quality) for cell in _cells(d)),
            found.verdict,
        )
        for found in repeated
    ]
    return (
        f"{TRACK}, split seed {SPLIT_SEED}, N = {n_models} runs a variant against "
        f"{n_models} retrained models; each variant has seeds of its own. Intervals "
        "are those of `unlearn-eval compare`.\n\n" + table(header, rows)
    )


def _cells(difference: PairedDifference) -> tuple[str, str]:
    apart = f"{difference.difference:+.4f}"
    interval = f"({difference.low:+.4f}, {difference.high:+.4f})"
    return (
        f"{difference.second:.4f} → {difference.first:.4f}",
        f"{apart} {interval}".replace("-", "−"),
    )


def main() -> None:
    """Run every variant, compare, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("-n", "--n-models", type=int, default=64)
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--write", type=Path, metavar="PAGE")
    options = parser.parse_args()
    n_models = options.n_models
    bench = make_bench(n_models)
    variants = dict.fromkeys(v for a in ABLATIONS for v in (a.first, a.second))
    sides = {}
    for place, variant in enumerate(variants):
        seeds = seeds_of(place, n_models)
        sides[variant.name] = unlearned(bench, variant, seeds, options.keep)
        print(f"{variant.name}: {n_models} runs", flush=True)
    bank = retrained(bench.bank, n_models)
    page = report([repeat(a, sides, bank) for a in ABLATIONS], n_models)
    print(page)
    if options.write:
        write_page(options.write, "Published ablations, repeated", page)


if __name__ == "__main__":
    main()
