"""Is the same method on other original models called different? Real fine-tuning.

Takes the original models of a track's bank, trains more where there are too few of
them, runs a submission N times on each, and compares every half of the originals with
the other half, paired in every order: the same method on fresh originals, which should
be called different in 5 %.  Then the same on the same originals: one half of each
original's runs with the other half.

    python -m scripts.originals_level --keep FOLDER [submissions/finetune.py]

Six originals and N = 32 cost about five minutes of one core; with ``--keep`` finished
originals are taken from there.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, permutations
from pathlib import Path

import numpy as np

from harness.execution.local import Job, LocalExecutor
from harness.metrics.inputs.confidence import forget_pair
from harness.metrics.official.epsilon import DELTA
from harness.metrics.official.utility import Utility
from harness.metrics.uncertainty.paired import PairedDifference, difference_of
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.metrics.uncertainty.scoring_noise import Scoring
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


def scored(models: ModelOutputs, bank: ModelOutputs, beside: int) -> ScoredSubmission:
    """Score the runs of one original, of so many of which the mean is taken."""
    retrained = bank.first(len(models))
    pair, rng = forget_pair(models, retrained), np.random.default_rng(SEED)
    scoring = Scoring.of(pair, rng, DELTA, originals=beside)
    utility = Utility.between(models, retrained)
    return ScoredSubmission.from_scoring(scoring, utility, pair.retrained, SEED)


def fresh_originals(each: Sequence[ScoredSubmission]) -> list[PairedDifference]:
    """Compare every half of the originals with the other, paired in every order."""
    size, found = len(each) // 2, []
    for chosen in combinations(range(1, 2 * size), size - 1):
        ours = (0, *chosen)
        others = [place for place in range(2 * size) if place not in ours]
        a = ScoredSubmission.over_originals([each[place] for place in ours])
        for theirs in permutations(others):
            b = ScoredSubmission.over_originals([each[place] for place in theirs])
            found.append(difference_of(a, b))
    return found


def same_originals(
    runs: Sequence[ModelOutputs], bank: ModelOutputs, times: int
) -> list[PairedDifference]:
    """Compare one half of each original's runs with the other half, at random."""
    rng, found = np.random.default_rng(SEED), []
    for _ in range(times):
        halves = np.array_split(rng.permutation(len(runs[0])), 2)
        a, b = (
            ScoredSubmission.over_originals(
                [scored(each.take(half), bank, len(runs)) for each in runs]
            )
            for half in halves
        )
        found.append(difference_of(a, b))
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
    parser.add_argument("--times", type=int, default=10, help="halves of the runs")
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
        each = [scored(original, retrained, options.originals) for original in models]
        print(f"{name} score:", *(f"{found.value:.4f}" for found in each), flush=True)
        for asked, found in (
            ("fresh originals", fresh_originals(each)),
            ("same originals", same_originals(models, retrained, options.times)),
        ):
            apart = sum(each.separable for each in found)
            print(
                f"{name}, {asked}: called different in {apart} of {len(found)}; "
                + " ".join(f"{each.p_value:.3f}" for each in found),
                flush=True,
            )


if __name__ == "__main__":
    main()
