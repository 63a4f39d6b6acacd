"""What noise in the last layer earns: the table of docs/calibrated.md, from real runs.

    python -m scripts.noise_table [--models 64] [--submission submissions/finetune.py]

The submission makes N models through the harness, all from the first original. Their
logits are then rescaled or shifted, a draw a run, which forgets nothing more or less,
and each changed crowd is measured as ``score`` does, by the task's own evaluator.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.execution.local import Job, LocalExecutor
from harness.metrics.attacks.certified import certified_epsilon
from harness.models.outputs import SETS, ModelOutputs
from harness.models.weights import load_weights
from harness.reference import ReferenceBank, find_bank
from harness.run.submission import read_submission
from harness.sandbox import choose
from harness.scoring.measure import Measurement
from harness.scoring.reference import SEED, Reference
from harness.scoring.seeds import run_seeds
from harness.tasks.base import Task
from harness.tasks.images.inference import ImageEvaluator
from harness.tasks.registry import find_task
from harness.track import find_track

Floats = NDArray[np.float64]
#: Logits of one model on each set, with the labels.
LogitSets = dict[str, tuple[Tensor, Tensor]]
_BATCH = 500


class LastLayer(nn.Module):
    """What a run does to its logits after all else: a factor, and a bias a class."""

    def __init__(self, factor: float, biases: Floats) -> None:
        super().__init__()
        self._factor, self._biases = factor, torch.tensor(biases, dtype=torch.float32)

    def forward(self, logits: Tensor) -> Tensor:
        """Change a batch of logits."""
        return self._factor * logits + self._biases


class Change(NamedTuple):
    """One row of the table: what each run draws its noise from."""

    name: str
    factor: float = 1.0
    factor_sd: float = 0.0
    bias_sd: float = 0.0

    def draw(self, rng: np.random.Generator, n_classes: int) -> LastLayer:
        """Draw what one run does."""
        factor = self.factor * float(np.exp(rng.normal(0, self.factor_sd)))
        return LastLayer(factor, rng.normal(0, self.bias_sd, n_classes))


def changes() -> Iterator[Change]:
    """List the rows of the table."""
    yield Change("nothing")
    for sd in (0.2, 0.4, 0.6):
        yield Change(f"logits × lognormal, sd {sd}", factor_sd=sd)
    for sd in (0.3, 0.6, 1.0):
        yield Change(f"class biases, sd {sd}", bias_sd=sd)
    yield Change("logits × .5", factor=0.5)


def unlearned_logits(
    path: Path, task: Task, bank: ReferenceBank, n_models: int, n_jobs: int = 1
) -> list[LogitSets]:
    """Make N models through the harness, from the first original, in order."""
    submission = read_submission(path)
    seeds = run_seeds(task.track, submission.sha256, 0, n_models)
    requests = [submission.request(i, s, "cpu", None) for i, s in enumerate(seeds)]
    originals = bank.original_weights[:1]
    sets = {of: task.tensors(getattr(task.sets(), of)) for of in SETS}
    network = task.network(seed=0).eval()
    found: dict[int, LogitSets] = {}
    with LocalExecutor(task, "cpu", originals, n_jobs, choose()) as executor:
        for outcome in executor.work([Job(*each) for each in enumerate(requests)]):
            if outcome.report.weights is None:
                raise SystemExit(f"{path.name}: {outcome.report.failure}")
            load_weights(network, executor.spec.unpack(outcome.report.weights))
            found[outcome.job.index] = logits_of(network, sets)
    return [found[index] for index in range(n_models)]


@torch.inference_mode()
def logits_of(network: nn.Module, sets: LogitSets) -> LogitSets:
    """Put logits in the place of the images."""
    return {
        of: (
            torch.cat([network(batch) for batch in torch.split(images, _BATCH)]),
            labels,
        )
        for of, (images, labels) in sets.items()
    }


def outputs_of(models: Sequence[LogitSets], change: Change, seed: int) -> ModelOutputs:
    """Measure N models after a change of their logits."""
    rng, tables = np.random.default_rng(seed), []
    for sets in models:
        n_classes = sets["test"][0].shape[1]
        last = change.draw(rng, n_classes)
        tables.append(ImageEvaluator(sets, torch.device("cpu"))(last))
    return ModelOutputs.stack(tables).in_single_precision()


def row(name: str, unlearned: ModelOutputs, reference: Reference) -> str:
    """Lay out one row in markdown."""
    metrics = Measurement(unlearned, reference).metrics()
    ours, theirs = unlearned.calibrated(), reference.retrained.calibrated()
    if ours is None or theirs is None:
        raise SystemExit("The bank has no calibrated confidences; build it anew.")
    numbers = (
        metrics.forgetting_quality,
        metrics.score,
        metrics.calibrated_forgetting_quality,
        metrics.calibrated_score,
    )
    cells = [f"{each.value:.4f}" if each else "-" for each in numbers]
    groups = ours.forget_confidence, theirs.forget_confidence
    cells.append(f"{certified_epsilon(*groups, seed=SEED).mean:.3f}")
    cells.append(", ".join(flag.code for flag in metrics.flags) or "none")
    return f"| {name} | " + " | ".join(cells) + " |"


HEADING = (
    "| added to the runs | official F | score | calibrated F | calibrated score "
    "| certified ε, calibrated | flags |\n|---|---|---|---|---|---|---|"
)


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    submission = Path(__file__).parents[1] / "submissions" / "finetune.py"
    parser.add_argument("--submission", type=Path, default=submission)
    parser.add_argument("--models", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    options = parser.parse_args()
    torch.set_num_threads(1)
    task = find_task(find_track("cifar10-quick"))
    bank, n = find_bank(task, at_least=2 * options.models), options.models
    reference = Reference.of_bank(bank, n, task.track.evaluation.delta)
    models = unlearned_logits(options.submission, task, bank, n)
    print(HEADING, flush=True)
    for change in changes():
        unlearned = outputs_of(models, change, options.seed)
        print(row(change.name, unlearned, reference), flush=True)
    held_out = bank.retrained.take(slice(n, 2 * n))
    print(row("(retraining, held out)", held_out, reference))


if __name__ == "__main__":
    main()
