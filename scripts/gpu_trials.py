"""What `gpu_check` tries: the engine of banks, a bank, submissions, one seed twice."""

import csv
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from harness.cli.options import chosen_jobs
from harness.cli.progress import ProgressListener
from harness.models.gpu import ask_for_same_bits
from harness.reference.build import build_bank
from harness.reference.plan import BuildPlan
from harness.results.schema import Result
from harness.sandbox import Sandbox
from harness.scoring.scorer import Scorer
from harness.scoring.settings import ScoreSettings
from harness.status import Status
from harness.storage.shipped import shipped_submissions
from harness.tasks.base import Task
from harness.tasks.images.engine import compute_dtype, make_training_set, train
from harness.tasks.images.graphed import GraphedTraining
from harness.tasks.images.task import ImageTask
from harness.tasks.sample import measured_sets
from harness.track import Track

SUBMISSIONS = ("identity", "finetune", "retrain")
#: Of the runs of a submission the median is told.
FIGURES = ("wall_seconds", "test_accuracy", "peak_bytes")


class Options(NamedTuple):
    """What is tried, and on what."""

    track: Track
    data_dir: Path | None
    n_models: int
    jobs: tuple[int, ...]
    isolation: str
    folder: Path
    ends: float


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
