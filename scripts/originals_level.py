"""Is the same method on other original models called different? Real fine-tuning.

Takes the original models of a track's bank, trains more where there are too few of
them, runs a submission N times on each, and compares every half of the originals with
the other half: the same method on fresh originals, which should be called different in
5 % of the splits.  Then the same on the same originals: one half of each original's
runs with the other half.

    python -m scripts.originals_level --keep FOLDER [submissions/finetune.py]

Six originals and N = 32 cost about five minutes of one core; with ``--keep`` finished
originals are taken from there.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

from harness.execution.local import Job, LocalExecutor
from harness.metrics.uncertainty.paired import PairedDifference, paired_difference
from harness.models.outputs import ModelOutputs
from harness.models.weights import Array
from harness.reference import ReferenceBank, find_bank
from harness.reference.training import train_member
from harness.run.submission import read_submission
from harness.sandbox import choose
from harness.scoring.reference import SEED
from harness.seeds import derive_seed
from harness.tasks.registry import find_task
from harness.track.registry import find_track

_KEPT = (
    "forget_confidence",
    "calibrated_confidence",
    "retain_accuracy",
    "forget_accuracy",
    "test_accuracy",
)


def original_weights(bank: ReferenceBank, wanted: int) -> Iterator[dict[str, Array]]:
    """Yield the bank's original models, and more that are trained like them."""
    track = find_track(bank.manifest.track)
    yield from bank.original_weights[:wanted]
    for place in range(len(bank.original_weights), wanted):
        yield train_member(track, bank.manifest.seed, -1 - place, None)[1]


def runs_on_each(options: argparse.Namespace) -> list[ModelOutputs]:
    """Run the submission on each original, or read what it did before."""
    files = [
        options.keep / f"{options.submission.stem}-n{options.n_models}-original{k}.npz"
        for k in range(options.originals)
    ]
    if not all(file.exists() for file in files):
        options.keep.mkdir(parents=True, exist_ok=True)
        _run(options, files)
    return [_read(file, place) for place, file in enumerate(files)]


def _read(file: Path, place: int) -> ModelOutputs:
    with np.load(file, allow_pickle=False) as arrays:
        columns = {name: arrays[name] for name in _KEPT}
    original = np.full(len(columns["forget_confidence"]), place)
    return ModelOutputs(**columns, original=original)


def _run(options: argparse.Namespace, files: Sequence[Path]) -> None:
    task = find_task(find_track(options.track))
    weights = list(original_weights(find_bank(task), options.originals))
    submission = read_submission(options.submission)
    with LocalExecutor(task, "cpu", weights, options.jobs, choose()) as executor:
        for place, file in enumerate(files):
            if file.exists():
                continue
            jobs = []
            for index in range(options.n_models):
                seed = derive_seed("originals-level", place, index)
                request = submission.request(index, seed, "cpu", None)
                jobs.append(Job(index, replace(request, original=place)))
            outcomes = sorted(executor.work(jobs), key=lambda done: done.job.index)
            runs = [done.run.outputs for done in outcomes if done.run is not None]
            found = ModelOutputs.stack(runs)
            np.savez(file, **{name: getattr(found, name) for name in _KEPT})
            print(f"original {place}: {len(found)} runs", flush=True)


def same_method(
    first: Sequence[ModelOutputs], second: Sequence[ModelOutputs], bank: ModelOutputs
) -> PairedDifference:
    """Compare runs on some originals with runs on others, paired as they come."""
    sides = []
    for models in (first, second):
        placed = [
            replace(each, original=np.full(len(each), place))
            for place, each in enumerate(models)
        ]
        sides.append(ModelOutputs.stack(placed))
    a, b = sides
    retrained = bank.first(len(first[0]))
    return paired_difference(a, b, retrained, seed=SEED)


def fresh_originals(
    runs: Sequence[ModelOutputs], bank: ModelOutputs
) -> list[PairedDifference]:
    """Compare every half of the originals with the other half."""
    size, found = len(runs) // 2, []
    for chosen in combinations(range(1, len(runs)), size - 1):
        ours = (0, *chosen)
        theirs = [place for place in range(len(runs)) if place not in ours]
        halves = [runs[place] for place in ours], [runs[place] for place in theirs]
        found.append(same_method(*halves, bank))
    return found


def same_originals(
    runs: Sequence[ModelOutputs], bank: ModelOutputs, times: int
) -> list[PairedDifference]:
    """Compare one half of each original's runs with the other half, at random."""
    rng, found = np.random.default_rng(SEED), []
    for _ in range(times):
        order = rng.permutation(len(runs[0]))
        halves = np.array_split(order, 2)
        a, b = ([each.take(half) for each in runs] for half in halves)
        found.append(same_method(a, b, bank))
    return found


def main() -> None:
    """Print how often the same method is called different."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "submission", type=Path, nargs="?", default=Path("submissions/finetune.py")
    )
    parser.add_argument("--track", default="cifar10-quick")
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--originals", type=int, default=6)
    parser.add_argument("--n-models", type=int, default=32)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="2 originals, N = 8")
    options = parser.parse_args()
    if options.quick:
        options.originals, options.n_models = 2, 8
    runs = runs_on_each(options)
    bank = find_bank(find_task(find_track(options.track))).retrained
    calibrated = [each.calibrated() for each in runs]
    kinds = {"official": (runs, bank)}
    if (theirs := bank.calibrated()) is not None:
        known = [each for each in calibrated if each is not None]
        kinds["calibrated"] = (known, theirs)
    for name, (models, retrained) in kinds.items():
        for asked, found in (
            ("fresh originals", fresh_originals(models, retrained)),
            ("same originals", same_originals(models, retrained, 20)),
        ):
            apart = sum(each.separable for each in found)
            print(
                f"{name}, {asked}: called different in {apart} of {len(found)}; "
                + " ".join(f"{each.p_value:.3f}" for each in found)
            )


if __name__ == "__main__":
    main()
