"""Gather what a report shows: stored arrays and the bank, for which no model runs."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from harness.errors import UnlearnEvalError, UsageError
from harness.metrics.official.metric import official_metric
from harness.metrics.uncertainty.paired import PairedDifference
from harness.models.outputs import Floats, ModelOutputs
from harness.models.records import RunRecord, stack
from harness.reference import find_bank_of_results
from harness.reference.parallel import Counter, delayed, work_through
from harness.results.report.material import (
    Confidences,
    Contents,
    Material,
    Pictures,
)
from harness.results.report.page import Report, report_of
from harness.results.schema import Result
from harness.results.store import (
    EXAMPLES,
    ResultFolder,
    read_examples,
    read_forgotten,
)
from harness.scoring.any_measurement import AnyMeasurement
from harness.scoring.compare import Comparable, check_common
from harness.scoring.machines import all_seconds, by_machine, cost_of
from harness.scoring.originals import measure_runs
from harness.scoring.reference import Reference
from harness.tasks.base import Indices
from harness.tasks.registry import find_task
from harness.track import Track, find_track


def make_report(
    folders: Sequence[ResultFolder],
    *,
    track: str = "",
    data_dir: Path | None = None,
    pictures: bool = True,
    counter: Counter | None = None,
) -> Report:
    """Make a page of one stored result, or of two with their differences.

    Parameters
    ----------
    folders : sequence of ResultFolder
        One or two.
    track : str
        Name or file of the results' track; without it, what the results say.
    data_dir : Path, optional
        Where the data lie already.
    pictures : bool
        Show the forget examples themselves.
    counter : Counter, optional
        Hears how many of the results are measured.

    Raises
    ------
    UsageError
        More than two results, two that cannot be compared, or no bank.
    CheckFailed
        If a stored file has changed.
    """
    if not 1 <= len(folders) <= 2:
        raise UsageError(
            f"a report shows one result or compares two, not {len(folders)}; for many "
            "make a site: unlearn-eval site DIR."
        )
    first = folders[0]
    shown, places = forget_examples(first, track, data_dir, pictures=pictures)
    two = len(folders) == 2
    measure = delayed(measure_folder)
    tasks = [measure(each, places, compared=two) for each in folders]
    measured = work_through(tasks, 1, "results", counter)
    contents = Contents(
        materials=tuple(each.material for each in measured),
        pictures=shown,
        differences=paired(*measured) if two else (),
    )
    return report_of(contents)


class Measured(NamedTuple):
    """One stored result, what its arrays say, and what it can be compared by."""

    material: Material
    comparable: Comparable


def paired(first: Measured, second: Measured) -> tuple[PairedDifference, ...]:
    """Compare two, first by the score that ranks; see `compare_results` for errors."""
    ours, theirs = first.material.result, second.material.result
    for result in (ours, theirs):
        if not result.is_complete:
            raise UsageError(
                f"{result.name} has no complete result to compare; score it again."
            )
    check_common(ours, theirs)
    official, calibrated = first.comparable.differences(second.comparable)
    return (official,) if calibrated is None else (calibrated, official)


def measure_folder(
    folder: ResultFolder, places: tuple[Indices, Indices], *, compared: bool
) -> Measured:
    """Read one stored result, and compute what its arrays say of each example.

    `places` are the indices and classes of its forget examples. What it is `compared`
    by takes about as long again.
    """
    there, result = folder.check(), folder.read()
    nothing = Comparable(None, None)  # to compare it by
    if EXAMPLES not in there:
        return Measured(Material(result=result), nothing)
    runs = read_examples(folder.path)
    costs = _costs(runs, result)
    if not result.is_complete:
        return Measured(Material(result=result, costs=costs), nothing)
    made = result.provenance
    bank = find_bank_of_results(made.track, made.bank_key, result.n_models)
    reference = Reference.of_bank(bank, result.n_models, made.delta)
    measurement = measure_runs(runs, reference)
    material = Material(
        result=result,
        rows=measurement.examples(*_or_numbered(places, reference)),
        confidences=_confidences(measurement, stack(runs), reference),
        costs=costs,
        precision=(measurement.calibrated or measurement).precision(),
    )
    return Measured(material, Comparable.of(measurement) if compared else nothing)


def _or_numbered(
    places: tuple[Indices, Indices], reference: Reference
) -> tuple[Indices, Indices]:
    """Number the examples through where nothing is known of them."""
    n_examples = reference.bank.n_examples
    if len(places[0]):
        return places
    return np.arange(n_examples), np.zeros(n_examples, dtype=np.int64)


def _confidences(
    measurement: AnyMeasurement, outputs: ModelOutputs, reference: Reference
) -> Confidences:
    """Take those of the score that ranks: calibrated, where there are some."""
    calibrated, again = measurement.calibrated, outputs.calibrated()
    if calibrated and again and reference.calibrated:
        measurement, outputs, reference = calibrated, again, reference.calibrated
    return Confidences(
        calibrated=calibrated is not None,
        epsilon=measurement.official.epsilon,
        retraining=_retraining_epsilon(reference),
        unlearned=outputs.forget_confidence,
        retrained=reference.retrained.forget_confidence,
    )


def _retraining_epsilon(reference: Reference) -> Floats | None:
    """ε of as many held-out retrained models; None where there are too few."""
    held_out = reference.held_out
    if held_out is None or len(held_out) < reference.n_models:
        return None
    others = held_out.first(reference.n_models)
    return official_metric(others, reference.retrained, delta=reference.delta).epsilon


def _costs(runs: Sequence[RunRecord], result: Result) -> tuple[float, ...]:
    made = result.provenance
    if not made.retraining_seconds:
        return ()
    of = {name: all_seconds(group) for name, group in by_machine(runs).items()}
    return tuple(
        cost_of(run, made.device)
        / statistics.median(of[run.machine] or made.retraining_seconds)
        for run in runs
    )


def forget_examples(
    folder: ResultFolder, track: str, data_dir: Path | None, *, pictures: bool
) -> tuple[Pictures, tuple[Indices, Indices]]:
    """Find a result's forget examples: as people see them, their indices and classes.

    From its data set, if that is here; else from the table in the result's folder.
    """
    result = folder.read()
    nowhere = np.zeros(0, dtype=np.int64)
    kept = read_forgotten(folder.path) or (nowhere, nowhere)
    if not result.is_complete:
        return Pictures(), kept
    unwanted = "they were not asked for."
    if not pictures and len(kept[0]):
        return Pictures(missing=unwanted), kept
    try:
        task = find_task(_track_of(result, track), data_dir)
        places = task.forget_indices(), task.forget_labels()
        if not pictures:
            return Pictures(missing=unwanted), places
        shown = tuple(task.show(place) for place in range(len(places[0])))
    except UnlearnEvalError as error:
        why = str(error) if pictures else unwanted
        return Pictures(missing=why, placed=bool(len(kept[0]))), kept
    return Pictures(shown=shown), places


def _track_of(result: Result, name: str) -> Track:
    """Find the very track and split that a result was measured on."""
    made = result.provenance
    track = find_track(name or made.track, split_seed=made.split_seed)
    if track.name != made.track and name:
        track = find_track(made.track, split_seed=made.split_seed)
    if track.hash != made.track_hash:
        raise UsageError(
            f"the track {made.track} is another version here ({track.hash}) than the "
            f"result's ({made.track_hash}); give its file with --track."
        )
    return track
