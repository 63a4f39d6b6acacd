"""Try everything that needs a GPU, print a table, and write it as JSON.

    scripts/gpu_check.sh [--device cuda] [--json gpu_check.json]

Identity, fine-tuning and retraining at one run and at four a time, one seed twice, the
engine step by step and as a graph, seconds and accuracy and memory of a model. What
fails is told and the rest goes on, so that one borrowed hour shows all that is wrong;
then the exit code is 4. With ``--device cpu`` and a small track it runs anywhere.
"""

import argparse
import csv
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image

from harness.cli.options import chosen_jobs
from harness.cli.progress import ProgressListener
from harness.errors import ExitCode
from harness.machine import this_machine
from harness.models.gpu import ask_for_same_bits
from harness.reference.build import build_bank
from harness.reference.plan import BuildPlan
from harness.results.schema import Result
from harness.sandbox import AUTO, Sandbox, choose
from harness.scoring.scorer import Scorer
from harness.scoring.settings import ScoreSettings
from harness.storage.files import write_atomic
from harness.storage.shipped import shipped_submissions
from harness.tasks.base import Task
from harness.tasks.images.engine import make_training_set, train
from harness.tasks.images.graphed import GraphedTraining
from harness.tasks.images.task import ImageTask
from harness.tasks.registry import find_task
from harness.tasks.sample import measured_sets
from harness.track import Track, find_track

SUBMISSIONS = ("identity", "finetune", "retrain")
#: Classes of the random images, and pixels of a side.
CLASSES, SIDE = 10, 32
RANDOM = """\
name = "random-images"
description = "random images of CIFAR-10's shape, a ResNet-9"
device = "cuda"
[data]
dataset = "image-folder"
folder = "images"
train_size = {train}
forget_size = {forget}
validation_size = {held_out}
test_size = {held_out}
split_seed = 0
[data.options]
image_size = 32
n_classes = 10
[network]
name = "resnet9"
[recipe]
epochs = 10
batch_size = 512
learning_rate = 0.4
warmup_fraction = 0.2
momentum = 0.9
weight_decay = 5e-4
augmentation = "flip-crop"
[evaluation]
n_models = 4
bank_size = 8
cap = 0.20
delta = 1e-5
"""


class Row(NamedTuple):
    """One thing that was tried: what came of it, or the error that ended it."""

    what: str
    found: dict[str, Any]
    error: str = ""


class Options(NamedTuple):
    """What is tried, and on what."""

    track: Track
    data_dir: Path | None
    n_models: int
    jobs: tuple[int, ...]
    isolation: str
    folder: Path


def rows(options: Options) -> Iterator[Row]:
    """Try one thing after the other; an error ends one of them alone."""
    task = find_task(options.track, options.data_dir)
    yield attempt("engine, step by step", lambda: engine(task, graph=False))
    yield attempt("engine, as a graph", lambda: engine(task, graph=True))
    yield attempt("bank", lambda: bank(options))
    sandbox = choose(options.isolation)
    tables = []
    for n_jobs in options.jobs:
        name = f"score, -j {n_jobs}"
        found = attempt(name, partial(scores, options, sandbox, n_jobs))
        tables.append(found.found.pop("weights", None))
        yield found
    yield attempt("one seed twice", lambda: seed_twice(options, sandbox, tables[0]))


def attempt(what: str, work: Callable[[], dict[str, Any]]) -> Row:
    """Do one thing, and time it."""
    start = time.perf_counter()
    try:
        found, error = work(), ""
    except Exception:  # whatever a GPU that nobody has tried raises
        found, error = {}, traceback.format_exc()
    return Row(what, {"seconds": time.perf_counter() - start, **found}, error)


def engine(task: Task, *, graph: bool, n_models: int = 3) -> dict[str, Any]:
    """Train a few models and one of them again; the first also warms up."""
    if not isinstance(task, ImageTask):
        raise TypeError("the engine of images is tried, on a track of images")
    device = torch.device(task.track.device)
    if device.type == "cuda":
        ask_for_same_bits()
        torch.cuda.reset_peak_memory_stats(device)
    sets = task.sets()
    augmentation = task.track.recipe.augmentation
    data = make_training_set(task.stored(sets.retain), augmentation, device)
    evaluate = task.evaluator(measured_sets(sets, task.track.data)._asdict(), device)

    def fresh(seed: int) -> torch.nn.Module:
        return task.network(seed).to(device)

    recipe = task.track.recipe
    if graph:
        trained = GraphedTraining(recipe, data, fresh).train
    else:
        trained = lambda seed: train(fresh(seed), recipe, data, seed=seed)  # noqa: E731

    def one(seed: int) -> tuple[float, float, bytes]:
        start = now(device)
        network = trained(seed)
        seconds = now(device) - start
        weights = [t.cpu().numpy().tobytes() for t in network.state_dict().values()]
        return seconds, float(evaluate(network).accuracy("test")[0]), b"".join(weights)

    times, shares, weights = zip(*(one(seed) for seed in range(n_models)), strict=True)
    found = {
        "seconds_first_model": times[0],
        "seconds_a_model": float(np.median(times[1:])),
        "test_accuracy": float(np.mean(shares)),
        "same_seed_same_bits": one(0)[2] == weights[0],
    }
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device)
        found |= {"peak_gpu_bytes": peak}
    return found


def now(device: torch.device) -> float:
    """Read the clock once all that was asked of a device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def bank(options: Options) -> dict[str, Any]:
    """Build the bank that scores are measured against."""
    wanted = options.track.evaluation.bank_size
    plan = BuildPlan(
        track=options.track, n_models=wanted, jobs=1, data_dir=options.data_dir
    )
    made = build_bank(plan, lambda done: None)
    return {
        "models": len(made),
        "seconds_a_model": float(np.median(made.seconds)),
        "test_accuracy": float(made.retrained.accuracy("test").mean()),
        "arithmetic": made.manifest.arithmetic,
    }


def scores(options: Options, sandbox: Sandbox, n_jobs: int) -> dict[str, Any]:
    """Score the submissions with so many runs asked for at a time."""
    settings = settings_of(options, f"runs-j{n_jobs}", n_jobs)
    shipped = shipped_submissions()
    paths = [shipped / f"{name}.py" for name in SUBMISSIONS]
    with Scorer(settings, listener(), sandbox) as scorer:
        results = scorer.score_all(paths)
    found: dict[str, Any] = {
        result.name: submission_row(result, settings.output) for result in results
    }
    found["isolation"] = results[0].provenance.isolation.level
    found["runs_at_a_time"] = settings.n_jobs
    found["weights"] = weights_of(settings.output)
    return found


def submission_row(result: Result, output: Path) -> dict[str, Any]:
    """Tell what a scored submission cost, and what it got."""
    efficiency, runs = result.metrics.efficiency, runs_of(output, result.name)
    return {
        "status": str(result.status),
        "reason": result.reason,
        "ratio": None if efficiency is None else efficiency.ratio,
        "wall_seconds": float(np.median([float(run["wall_seconds"]) for run in runs])),
        "test_accuracy": float(np.mean([float(run["test_accuracy"]) for run in runs])),
        "peak_bytes": max(int(run["peak_bytes"]) for run in runs),
    }


def seed_twice(
    options: Options, sandbox: Sandbox, before: dict[str, str] | None
) -> dict[str, Any]:
    """Make the runs of fine-tuning again: the same seeds, in other processes."""
    settings = settings_of(options, "runs-again", 1)
    with Scorer(settings, listener(), sandbox) as scorer:
        scorer.score(shipped_submissions() / "finetune.py")
    again = weights_of(settings.output)
    same = [(before or {}).get(key) == digest for key, digest in again.items()]
    return {"runs": len(same), "same_bits": sum(same)}


def settings_of(options: Options, folder: str, n_jobs: int) -> ScoreSettings:
    """Score with so many runs at a time, into a folder of its own."""
    device = options.track.device
    return ScoreSettings(
        track=options.track,
        n_models=options.n_models,
        n_jobs=chosen_jobs(n_jobs, options.n_models, device),
        output=options.folder / folder,
        data_dir=options.data_dir,
    )


def listener() -> ProgressListener:
    """Hear nothing: the table says it all."""
    return ProgressListener(quiet=True, bars=False)


def weights_of(output: Path) -> dict[str, str]:
    """Read the digest of each run's weights, by submission and seed."""
    return {
        f"{name} {run['seed']}": run["weights_sha256"]
        for name in SUBMISSIONS
        for run in runs_of(output, name)
    }


def runs_of(output: Path, name: str) -> list[dict[str, str]]:
    """Read the table of a submission's runs; there is one result of each."""
    return [
        run
        for path in output.glob(f"*/{name}/*/models.csv")
        for run in csv.DictReader(path.read_text().splitlines())
    ]


def random_track(folder: Path, n_images: int) -> Track:
    """Write images that are noise on a pattern of their class, and their track."""
    rng = np.random.default_rng(0)
    patterns = rng.normal(128, 40, (CLASSES, SIDE // 8, SIDE // 8, 3))
    held_out = n_images // 20
    for part, count in (("train", n_images), ("test", 2 * held_out)):
        for place in range(count):
            label = place % CLASSES
            pattern = patterns[label].repeat(8, axis=0).repeat(8, axis=1)
            pixels = pattern + rng.normal(0, 60, pattern.shape)
            path = folder / "images" / part / str(label) / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
            picture.save(path, compress_level=1)
    forget = max(1, n_images // 50 // CLASSES) * CLASSES
    sizes = {"train": n_images, "forget": forget, "held_out": held_out}
    (folder / "random.toml").write_text(RANDOM.format(**sizes))
    return find_track(str(folder / "random.toml"))


def table(found: list[Row]) -> str:
    """Write one line for each figure."""
    lines = []
    for row in found:
        lines.append(f"{row.what}: {'FAILED' if row.error else 'done'}")
        lines += [f"    {name:22}{words(value)}" for name, value in row.found.items()]
        lines += [f"    {line}" for line in row.error.strip().splitlines()[-3:]]
    return "\n".join(lines)


def words(value: Any) -> str:
    """Show a figure, or several."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {words(each)}" for name, each in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main(argv: list[str] | None = None) -> int:
    """Try, print and write."""
    parser = argparse.ArgumentParser(description="Try everything that needs a GPU.")
    parser.add_argument("--track", help="by default one of random images")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("-n", "--n-models", type=int, default=4)
    parser.add_argument("-j", "--jobs", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--images", type=int, default=50_000, help="random ones")
    parser.add_argument("--isolation", default=AUTO)
    parser.add_argument("--json", type=Path, default=Path("gpu_check.json"))
    given = parser.parse_args(argv)
    start = time.perf_counter()
    torch.set_num_threads(1)  # On a CPU only then the same seed gives the same bits.
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        known = find_track(given.track) if given.track else None
        track = replace(
            known or random_track(folder, given.images),
            device=given.device,
            options=f"--device {given.device}",
        )
        jobs, parts = tuple(given.jobs), (track, given.data_dir, given.n_models)
        found = []
        for row in rows(Options(*parts, jobs, given.isolation, folder)):
            found.append(row)
            print(table([row]), flush=True)
    seconds = time.perf_counter() - start
    content = {
        "machine": asdict(this_machine()),
        "device": given.device,
        "track": track.name,
        "seconds": seconds,
        "rows": [row._asdict() for row in found],
    }
    write_atomic(given.json, json.dumps(content, indent=2, default=str).encode())
    print(f"{this_machine().describe()}\n{seconds:.0f} s in all; wrote {given.json}")
    return ExitCode.CHECK_FAILED if any(r.error for r in found) else ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
