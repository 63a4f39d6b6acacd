"""Measure the figures that the README states, as ratios within one run.

    python scripts/bench.py bank      # bank building against the plain way of today
    python scripts/bench.py score     # a whole score against the submission's own time
    python scripts/bench.py metric    # epsilon at N = 512
    python scripts/bench.py           # all of them
    python scripts/bench.py bank --track cifar10-cpu --models 2 4

Machines are shared and noisy: run it while nothing else does, and trust the ratios.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import torch
import torch.nn.functional as F
from joblib import Parallel, delayed
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from harness.machine import this_machine
from harness.metrics.official.epsilon import epsilon
from harness.reference.training import train_member
from harness.results.store import ResultFolder, read_examples
from harness.storage.shipped import shipped_submissions
from harness.tasks.base import Examples, Task
from harness.tasks.images.normalize import MEAN, STD
from harness.tasks.registry import find_task
from harness.track import find_track
from harness.track.schema import Track


class PilImages(Dataset[tuple[torch.Tensor, int]]):
    """CIFAR-10 as torchvision's own data set serves it: a PIL image at a time."""

    def __init__(
        self, examples: Examples, transform: Callable[..., torch.Tensor]
    ) -> None:
        self.examples, self.transform = examples, transform

    def __len__(self) -> int:
        return len(self.examples.targets)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = Image.fromarray(self.examples.inputs[index])
        return self.transform(image), int(self.examples.targets[index])


def train_plainly(task: Task, retain: Examples, seed: int) -> nn.Module:
    """Train one model the way most scripts do today; same recipe, same network."""
    torch.manual_seed(seed)
    recipe = task.track.recipe
    flip = transforms.RandomHorizontalFlip()
    crop = transforms.RandomCrop(32, padding=4, padding_mode="reflect")
    augmentation = {"none": [], "flip": [flip], "flip-crop": [flip, crop]}
    transform = transforms.Compose(
        [
            *augmentation[recipe.augmentation],
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    loader = DataLoader(
        PilImages(retain, transform),
        batch_size=recipe.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=2,
    )
    network = task.network().to(memory_format=torch.contiguous_format)
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=True,
    )
    n_steps, step = recipe.epochs * len(loader), 0
    network.train()
    for _ in range(recipe.epochs):
        for images, targets in loader:
            optimizer.param_groups[0]["lr"] = recipe.rate_at(step, n_steps)
            loss = F.cross_entropy(
                network(images), targets, label_smoothing=recipe.label_smoothing
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            step += 1
    return network.eval()


@torch.inference_mode()
def plain_accuracy(network: nn.Module, test: Examples) -> float:
    """Test accuracy through the same plain transforms."""
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    )
    loader = DataLoader(PilImages(test, transform), batch_size=256)
    right = sum(int((network(x).argmax(1) == y).sum()) for x, y in loader)
    return right / len(test.targets)


def bench_bank(track: Track, n_plain: int, n_fast: int) -> None:
    """Compare models an hour, and test accuracy."""
    task = find_task(track)
    split = task.sets()
    torch.set_num_threads(2)
    start, plain = time.perf_counter(), []
    for seed in range(n_plain):
        plain.append(train_plainly(task, split.retain, seed))
    plain_seconds = (time.perf_counter() - start) / n_plain
    plain_accuracies = [plain_accuracy(network, split.test) for network in plain]

    cores = this_machine().cores
    pool = Parallel(n_jobs=cores)
    pool(delayed(train_member)(track, 99, i, None) for i in range(cores))  # warm up
    start = time.perf_counter()
    members = pool(delayed(train_member)(track, 99, i, None) for i in range(n_fast))
    fast_seconds = (time.perf_counter() - start) / n_fast
    fast_accuracies = [float(m.outputs.accuracy("test")[0]) for m, _ in members]

    difference = statistics.mean(fast_accuracies) - statistics.mean(plain_accuracies)
    error = np.hypot(
        _standard_error(plain_accuracies), _standard_error(fast_accuracies)
    )
    print(f"plain way   {plain_seconds:6.2f} s a model ({n_plain} models, 2 threads)")
    print(f"the engine  {fast_seconds:6.2f} s a model ({n_fast} models, {cores} cores)")
    print(f"bank building: {plain_seconds / fast_seconds:.1f} x models an hour")
    print(
        f"test accuracy: {difference:+.4f} against the plain way, "
        f"{abs(difference) / error:.1f} standard errors"
    )


def _standard_error(values: list[float]) -> float:
    return float(statistics.stdev(values) / len(values) ** 0.5)


def bench_score(track: Track, submission: str, n_models: int) -> None:
    """Compare a whole score's wall time with what the submission itself needs."""
    cores = this_machine().cores
    path = shipped_submissions() / f"{submission}.py"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "harness", "score", str(path)]
        command += ["--track", track.name]
        command += ["-n", str(n_models), "-j", str(cores), "-q", "-o"]
        # The first score on a machine measures one retraining; that is kept.
        subprocess.run([*command, f"{folder}/first", "-n", "2"], check=False)
        start = time.perf_counter()
        subprocess.run([*command, f"{folder}/second"], check=False)
        wall = time.perf_counter() - start
        (found,) = Path(folder, "second").glob("*/*/*/result.json")
        runs = read_examples(ResultFolder(found.parent).path)
    own = sum(run.cpu_seconds for run in runs)
    limit = 1.2 * own / cores + 12
    print(f"score {submission}, N = {len(runs)}: {wall:.1f} s wall")
    print(f"the submission's own CPU seconds: {own:.1f}, {own / len(runs):.2f} a run")
    print(f"wall over 1.2 x own / {cores} cores + 12 s: {wall / limit:.2f}")


def bench_metric(n_models: int, n_examples: int) -> None:
    """Time epsilon an example on one core."""
    generator = np.random.default_rng(0)
    unlearned = generator.normal(0.5, 1, (n_models, n_examples))
    retrained = generator.normal(0.0, 1, (n_models, n_examples))
    start = time.process_time()
    epsilon(unlearned, retrained)
    seconds = (time.process_time() - start) / n_examples
    print(f"epsilon at N = {n_models}: {seconds * 1e3:.2f} ms an example, one core")


@click.command()
@click.argument("which", nargs=-1, type=click.Choice(["bank", "score", "metric"]))
@click.option("--track", "name", default="cifar10-quick", show_default=True)
@click.option(
    "--models",
    nargs=2,
    default=(6, 24),
    help="Models trained the plain way, and by the engine.",
)
@click.option("--submission", default="finetune", help="What to score.")
@click.option("-n", "--n-models", default=64, help="N of the score.")
def main(
    which: tuple[str, ...],
    name: str,
    models: tuple[int, int],
    submission: str,
    n_models: int,
) -> None:
    """Print the machine, then each figure."""
    print(this_machine().describe())
    track = find_track(name)
    if not which or "bank" in which:
        bench_bank(track, *models)
    if not which or "score" in which:
        bench_score(track, submission, n_models)
    if not which or "metric" in which:
        bench_metric(512, 200)


if __name__ == "__main__":
    main()
