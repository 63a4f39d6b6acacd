"""Try everything that needs a GPU, print a table, and write it as JSON.

    scripts/gpu_check.sh [--device cuda] [--json gpu_check.json]

The engine step by step and as a graph, seconds and accuracy and memory of a model;
identity, fine-tuning and retraining at one run and at four a time, one seed twice. What
fails, or takes more than half of the minutes that are left, is told, and the rest goes
on; what was found is written after each part. So one borrowed quarter of an hour shows
all that is wrong; then the exit code is 4. With ``--device cpu`` and a small track it
runs anywhere.
"""

import argparse
import csv
import json
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from harness.cli.options import chosen_jobs
from harness.cli.progress import ProgressListener
from harness.errors import ExitCode
from harness.machine import this_machine
from harness.models.gpu import ask_for_same_bits
from harness.reference.build import build_bank
from harness.reference.plan import BuildPlan
from harness.results.schema import Result
from harness.sandbox import AUTO, Level, Sandbox, choose
from harness.scoring.scorer import Scorer
from harness.scoring.settings import ScoreSettings
from harness.status import Status
from harness.storage.cache import CACHE_VARIABLE
from harness.storage.files import write_atomic
from harness.storage.shipped import shipped_submissions
from harness.tasks.base import Task
from harness.tasks.images.engine import compute_dtype, make_training_set, train
from harness.tasks.images.graphed import GraphedTraining
from harness.tasks.images.task import ImageTask
from harness.tasks.registry import find_task
from harness.tasks.sample import measured_sets
from harness.track import Track, find_track
from harness.track.schema import DataSpec

SUBMISSIONS = ("identity", "finetune", "retrain")
#: Of the runs of a submission the median is told.
FIGURES = ("wall_seconds", "test_accuracy", "peak_bytes")
#: Classes of the random images, and pixels of a side.
CLASSES, SIDE = 10, 32
#: Less is too little to begin anything.
LEAST_SECONDS = 5.0


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
    ends: float


def rows(options: Options) -> Iterator[Row]:
    """Try one thing after the other; an error ends one of them alone."""
    task = find_task(options.track, options.data_dir)
    tried = partial(attempt, options.ends)
    weights: list[torch.Tensor | None] = []
    for name, graph in (("as a graph", True), ("step by step", False)):
        row = tried(f"engine, {name}", partial(engine, task, graph=graph))
        weights.append(row.found.pop("weights", None))
        yield row
    yield tried("graph against steps", lambda: difference(*weights))
    yield tried("bank", lambda: bank(options))
    sandbox, failed = choose(options.isolation), False
    tables: list[dict[str, str] | None] = []
    for n_jobs in options.jobs:
        name = f"score, -j {n_jobs}"
        row = tried(name, partial(scores, options, sandbox, name, n_jobs))
        tables.append(row.found.pop("weights", None))
        failed = failed or bool(row.error)
        yield row
    if failed and sandbox.level != Level.NONE:
        name, bare = "score, no isolation", choose(Level.NONE)
        row = tried(name, partial(scores, options, bare, name, 1))
        row.found.pop("weights", None)
        yield row
    yield tried("one seed twice", lambda: seed_twice(options, sandbox, tables[0]))


def attempt(ends: float, what: str, work: Callable[[], dict[str, Any]]) -> Row:
    """Do one thing in half of the time that is left, and time it.

    What it finds wrong itself is its ``error``.
    """
    start = time.perf_counter()
    found: dict[str, Any] = {}
    try:
        with at_most((ends - time.monotonic()) / 2):
            found = work()
        error = found.pop("error", "")
    except Exception:  # whatever a GPU that nobody has tried raises
        error = traceback.format_exc()
    return Row(what, {"seconds": time.perf_counter() - start, **found}, error)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the main thread when the time is over."""
    if seconds < LEAST_SECONDS:
        raise TimeoutError("no time was left for it")

    def ring(*_: object) -> None:
        raise TimeoutError(f"it took more than {seconds:.0f} s, half of what was left")

    handler = signal.signal(signal.SIGALRM, ring)
    before = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *before)
        signal.signal(signal.SIGALRM, handler)


def engine(task: Task, *, graph: bool, n_models: int = 3) -> dict[str, Any]:
    """Train a few models and one of them again; the first also warms up."""
    if not isinstance(task, ImageTask):
        raise TypeError("the engine of images is tried, on a track of images")
    device = torch.device(task.track.device)
    if device.type == "cuda":
        ask_for_same_bits()
        torch.cuda.set_device(device.index or 0)
    sets = task.sets()
    augmentation = task.track.recipe.augmentation
    data = make_training_set(task.stored(sets.retain), augmentation, device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    evaluate = task.evaluator(measured_sets(sets, task.track.data)._asdict(), device)

    def fresh(seed: int) -> torch.nn.Module:
        return task.network(seed).to(device)

    recipe = task.track.recipe
    if graph:
        with warnings.catch_warnings():
            # It would go on step by step.
            warnings.filterwarnings("error", message=".*cannot be recorded")
            trained = GraphedTraining(recipe, data, fresh).train
    else:
        trained = lambda seed: train(fresh(seed), recipe, data, seed=seed)  # noqa: E731

    def one(seed: int) -> tuple[float, float, torch.Tensor]:
        start = now(device)
        network = trained(seed)
        seconds = now(device) - start
        weights = [t.flatten().double() for t in network.state_dict().values()]
        share = float(evaluate(network).accuracy("test")[0])
        return seconds, share, torch.cat(weights).cpu()

    times, shares, weights = zip(*(one(seed) for seed in range(n_models)), strict=True)
    found: dict[str, Any] = {
        "arithmetic": str(compute_dtype(device)),
        "seconds_first_model": times[0],
        "seconds_a_model": float(np.median(times[1:])),
        "test_accuracy": float(np.mean(shares)),
        "same_seed_same_bits": torch.equal(one(0)[2], weights[0]),
        "weights": weights[0],
    }
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device)
        found |= {"peak_gpu_bytes": peak}
    return found


def difference(
    graphed: torch.Tensor | None, plain: torch.Tensor | None
) -> dict[str, Any]:
    """Hold the same model of both ways of training against each other."""
    if graphed is None or plain is None:
        raise ValueError("one of the two has failed")
    apart = (graphed - plain).norm() / plain.norm()
    same = torch.equal(graphed, plain)
    return {"same_bits": same, "relative_difference": float(apart)}


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


def scores(
    options: Options, sandbox: Sandbox, name: str, n_jobs: int
) -> dict[str, Any]:
    """Score the submissions with so many runs asked for at a time."""
    settings = settings_of(options, name, n_jobs)
    shipped = shipped_submissions()
    paths = [shipped / f"{each}.py" for each in SUBMISSIONS]
    with Scorer(settings, listener(), sandbox) as scorer:
        results = scorer.score_all(paths)
    found: dict[str, Any] = {
        result.name: submission_row(result, settings.output) for result in results
    }
    found["isolation"] = results[0].provenance.isolation.level
    found["runs_at_a_time"] = settings.n_jobs
    found["weights"] = weights_of(settings.output)
    well = (Status.SCORED, Status.OVER_BUDGET)
    failed = [f"{r.name}: {r.status}, {r.reason}" for r in results]
    failed = [f for f, r in zip(failed, results, strict=True) if r.status not in well]
    return found | {"error": "\n".join(failed)}


def submission_row(result: Result, output: Path) -> dict[str, Any]:
    """Tell what a submission cost, and what it got, if any of its runs ended well."""
    efficiency, runs = result.metrics.efficiency, runs_of(output, result.name)
    found = {
        "status": str(result.status),
        "reason": result.reason,
        "ratio": None if efficiency is None else efficiency.ratio,
    }
    if runs:
        table = {n: [float(run[n]) for run in runs] for n in FIGURES}
        found |= {name: float(np.median(column)) for name, column in table.items()}
    return found


def seed_twice(
    options: Options, sandbox: Sandbox, before: dict[str, str] | None
) -> dict[str, Any]:
    """Make the runs of fine-tuning again: the same seeds, in other processes."""
    settings = settings_of(options, "again", 1)
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
    """Write images that are noise on a pattern of their class; `cifar10-fast` on them.

    One file each, of the plainest format: they are read a few times.
    """
    rng = np.random.default_rng(0)
    patterns = rng.normal(128, 40, (CLASSES, SIDE // 8, SIDE // 8, 3))
    patterns = patterns.repeat(8, axis=1).repeat(8, axis=2).astype(np.float32)
    held_out = n_images // 20
    for part, count in (("train", n_images), ("test", 2 * held_out)):
        for label, pattern in enumerate(patterns):
            place = folder / "images" / part / str(label)
            place.mkdir(parents=True)
            for index in range(label, count, CLASSES):
                noise = rng.standard_normal(pattern.shape, dtype=np.float32)
                pixels = (pattern + 60 * noise).clip(0, 255).astype(np.uint8)
                head = f"P6 {SIDE} {SIDE} 255\n".encode()
                (place / f"{index}.ppm").write_bytes(head + pixels.tobytes())
    fast = find_track("cifar10-fast")
    data = DataSpec(
        dataset="image-folder",
        folder=str(folder / "images"),
        options=(("image_size", SIDE), ("n_classes", CLASSES)),
        train_size=n_images,
        forget_size=max(1, n_images // 50 // CLASSES) * CLASSES,
        validation_size=held_out,
        test_size=held_out,
        split_seed=0,
    )
    size = min(fast.recipe.batch_size, n_images // CLASSES)
    return replace(
        fast,
        name="random-images",
        description="random images of CIFAR-10's shape",
        data=data,
        recipe=replace(fast.recipe, batch_size=size),
        evaluation=replace(fast.evaluation, n_models=4, bank_size=8),
    )


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
    parser.add_argument("--minutes", type=float, default=9.0, help="at most, in all")
    parser.add_argument("--json", type=Path, default=Path("gpu_check.json"))
    given = parser.parse_args(argv)
    ends = time.monotonic() + 60 * given.minutes
    found: list[Row] = []
    torch.set_num_threads(1)  # On a CPU only then the same seed gives the same bits.
    with tempfile.TemporaryDirectory() as scratch:
        options = options_of(given, Path(scratch), ends)
        for row in rows(options):
            found.append(row)
            print(table([row]), flush=True)
            write(given, options.track, found)
    print(f"{this_machine().describe()}\nwrote {given.json}")
    return ExitCode.CHECK_FAILED if any(r.error for r in found) else ExitCode.OK


def options_of(given: argparse.Namespace, folder: Path, ends: float) -> Options:
    """Find the track, or make one, whose bank and costs are not kept."""
    if given.track:
        known = find_track(given.track)
    else:
        os.environ[CACHE_VARIABLE] = str(folder / "cache")
        known = random_track(folder, given.images)
    track = replace(known, device=given.device, options=f"--device {given.device}")
    jobs, parts = tuple(given.jobs), (track, given.data_dir, given.n_models)
    return Options(*parts, jobs, given.isolation, folder, ends)


def write(given: argparse.Namespace, track: Track, found: list[Row]) -> None:
    """Write what was found so far: whoever lends a GPU may take it back."""
    content = {
        "machine": asdict(this_machine()),
        "device": given.device,
        "track": track.name,
        "seconds": sum(row.found["seconds"] for row in found),
        "rows": [row._asdict() for row in found],
    }
    write_atomic(given.json, json.dumps(content, indent=2, default=str).encode())


if __name__ == "__main__":
    sys.exit(main())
