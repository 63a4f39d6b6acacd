"""Try a submission out in two runs, through the same path that will score it."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.execution.local import Job, LocalExecutor, Outcome
from harness.machine import usual_jobs
from harness.models.weights import WeightSpec
from harness.reference import ReferenceBank, find_bank
from harness.run.checkpoints import holds_checkpoints
from harness.run.cost import Budget, cost_seconds, kill_seconds, limit_at
from harness.run.entry import Entry, read_entry
from harness.run.messages import NO_LIMIT, Failure, Request
from harness.run.submission import fit_for, read_submission
from harness.sandbox import Sandbox, choose
from harness.scoring.retraining import RetrainingCost
from harness.scoring.settings import Listener, ScoreSettings
from harness.seeds import derive_seed
from harness.status import Status
from harness.tasks.base import Task
from harness.tasks.registry import find_task

#: A run is not stopped before, and not at all if it has been asked for by its seed.
_LIMIT_SECONDS = 60.0
_N_RUNS = 2


@dataclass(frozen=True)
class Validation:
    """What is known of a submission without a score.

    Attributes
    ----------
    name : str
        The submission.
    problems : tuple of str
        Everything that is wrong, a sentence each; empty for a valid one.
    notes : tuple of str
        What is not wrong but worth knowing.
    cost_seconds : tuple of float
        Cost of each run that came to an end.
    traceback, output : str
        The end of its own traceback, and what it printed.
    """

    name: str
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cost_seconds: tuple[float, ...] = ()
    traceback: str = ""
    output: str = ""

    @property
    def ok(self) -> bool:
        """Whether it can be scored."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {**asdict(self), "valid": self.ok}


def validate_submission(
    path: Path,
    settings: ScoreSettings,
    listener: Listener,
    *,
    seeds: Sequence[int] | None = None,
    isolation: Sandbox | None = None,
) -> Validation:
    """Read, check and run a submission a few times.

    Parameters
    ----------
    path : Path
        The submission, or checkpoints; of these the first two are read.
    settings : ScoreSettings
        Track, device and data.
    listener : Listener
        Told what is going on.
    seeds : sequence of int, optional
        Seeds of the runs; two by default.
    isolation : Sandbox, optional
        How runs are kept apart; by default the strictest way that works here.
    """
    task = find_task(settings.track, settings.data_dir)
    entry = _read(path, task)
    if entry.problems:
        return Validation(entry.name, entry.problems, entry.notes)
    if seeds is None or entry.made_elsewhere:
        drawn = [derive_seed("validate", entry.sha256, i) for i in range(_N_RUNS)]
        seeds = entry.seeds(drawn)[:_N_RUNS]
    isolation, bank = isolation or choose(), find_bank(task)
    requests = _requests(entry, seeds, settings, _budget(settings, bank, isolation))
    side_by_side = min(len(seeds), usual_jobs(settings.track.device))
    listener.say(
        f"{entry.name}: {len(seeds)} runs on {settings.track.name}, "
        f"{side_by_side} at a time, once the sandbox ({isolation.level}) has started"
    )
    device, originals = settings.track.device, bank.original_weights
    parts = (task, device, originals, side_by_side, isolation)
    outcomes = []
    listener.begin(entry.name, len(requests), 0)
    with LocalExecutor(*parts) as executor:
        for outcome in executor.work([Job(*each) for each in enumerate(requests)]):
            outcomes.append(outcome)
            listener.advance()
    listener.end()
    outcomes.sort(key=lambda outcome: outcome.job.index)
    return _summary(entry, outcomes, settings.device)


def _read(path: Path, task: Task) -> Entry:
    """Read a submission, or vet as many checkpoints as the track scores."""
    if not holds_checkpoints(path):
        return fit_for(read_submission(path), task)
    spec = WeightSpec.of(find_bank(task).original_weights[0])
    return read_entry(path, task.track.evaluation.n_models, spec)


def _requests(
    entry: Entry, seeds: Sequence[int], settings: ScoreSettings, budget: Budget
) -> list[Request]:
    device = settings.device
    requests = [entry.request(*each, device, budget) for each in enumerate(seeds)]
    if entry.made_elsewhere:
        return requests
    limit = NO_LIMIT
    if len(seeds) > 1:
        limit = limit_at(max(_LIMIT_SECONDS, kill_seconds(budget.seconds)), device)
    return [replace(request, limit=limit) for request in requests]


def _budget(settings: ScoreSettings, bank: ReferenceBank, isolation: Sandbox) -> Budget:
    """Return what a run may cost when it is scored, or about that.

    They are known where something has been scored here; else the bank's own cost of a
    retraining stands in, so that nothing is measured for a trial of seconds.
    """
    usual = replace(settings, n_jobs=usual_jobs(settings.track.device))
    kept = RetrainingCost(usual, isolation.level).kept()
    seconds = kept.seconds if kept else bank.seconds.tolist()
    return Budget(settings.track.evaluation.cap, float(statistics.median(seconds)))


def _summary(entry: Entry, outcomes: list[Outcome], device: str) -> Validation:
    found = [outcome.failure_of_its_own() for outcome in outcomes]
    failures = [failure for failure in found if failure is not None]
    problems = [
        f"{failure.status}: {_reason(entry, outcome, failure)}"
        for outcome, failure in zip(outcomes, found, strict=True)
        if failure is not None
    ]
    tracebacks = [failure.traceback for failure in failures if failure.traceback]
    costs = tuple(cost_seconds(outcome.report.usage, device) for outcome in outcomes)
    return Validation(
        name=entry.name,
        problems=tuple(dict.fromkeys(problems)),
        notes=(*entry.notes, *_notes(outcomes, costs)),
        cost_seconds=costs,
        traceback=tracebacks[0] if tracebacks else "",
        output=outcomes[0].report.output,
    )


def _reason(entry: Entry, outcome: Outcome, failure: Failure) -> str:
    """Say which checkpoint it was; of runs, whose seeds say nothing, what it was."""
    if not entry.made_elsewhere:
        return failure.reason
    index, seed = outcome.job.index, outcome.job.request.seed
    return entry.failure_reason(index, seed, failure)


def _notes(outcomes: list[Outcome], costs: tuple[float, ...]) -> list[str]:
    notes = []
    runs = [outcome.run for outcome in outcomes if outcome.run is not None]
    if costs and runs:
        notes.append(f"a run costs {sum(costs) / len(costs):.2f} s.")
    if any(run.moved == 0 for run in runs):
        notes.append("the weights did not move: this is what doing nothing scores.")
    hashes = {run.weights_sha256 for run in runs}
    if len(runs) > 1 and len(hashes) == 1:
        notes.append(
            "two runs with different seeds returned the same weights; every epsilon "
            "will be 50."
        )
    if any(outcome.report.failure is None for outcome in outcomes):
        statuses = {o.report.failure.status for o in outcomes if o.report.failure}
        if Status.ERROR in statuses:
            notes.append("only some of the runs failed; one failure is enough.")
    return notes
