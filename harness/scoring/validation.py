"""Try a submission out in two runs, through the same path that will score it."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.execution.local import Job, LocalExecutor, Outcome
from harness.machine import usual_jobs
from harness.reference import ReferenceBank, find_bank
from harness.run.cost import Budget, cost_seconds, kill_seconds, limit_at
from harness.run.messages import NO_LIMIT, RunRequest
from harness.run.submission import Submission, read_submission
from harness.sandbox import Sandbox, choose
from harness.scoring.retraining import RetrainingCost
from harness.scoring.settings import Listener, ScoreSettings
from harness.seeds import derive_seed
from harness.status import Status
from harness.tasks.registry import find_task

#: A run is not stopped before, and not at all if it has been asked for by its seed.
_LIMIT_SECONDS = 60.0


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
        The submission's file.
    settings : ScoreSettings
        Track, device and data.
    listener : Listener
        Told what is going on.
    seeds : sequence of int, optional
        Seeds of the runs; two by default.
    isolation : Sandbox, optional
        How runs are kept apart; by default the strictest way that works here.
    """
    submission = read_submission(path)
    if submission.problems:
        return Validation(submission.name, submission.problems)
    if seeds is None:
        seeds = [derive_seed("validate", submission.sha256, i) for i in range(2)]
    task = find_task(settings.track, settings.data_dir)
    isolation, bank = isolation or choose(), find_bank(task)
    requests = _requests(
        submission, seeds, settings, _budget(settings, bank, isolation)
    )
    side_by_side = min(len(seeds), usual_jobs(settings.track.device))
    listener.say(
        f"{submission.name}: {len(seeds)} runs on {settings.track.name}, "
        f"{side_by_side} at a time, once the sandbox ({isolation.level}) has started"
    )
    device, originals = settings.track.device, bank.original_weights
    parts = (task, device, originals, side_by_side, isolation)
    with LocalExecutor(*parts) as executor:
        outcomes = list(executor.work([Job(*each) for each in enumerate(requests)]))
    outcomes.sort(key=lambda outcome: outcome.job.index)
    return _summary(submission, outcomes, settings.device)


def _requests(
    submission: Submission,
    seeds: Sequence[int],
    settings: ScoreSettings,
    budget: Budget,
) -> list[RunRequest]:
    limit, device = NO_LIMIT, settings.device
    if len(seeds) > 1:
        limit = limit_at(max(_LIMIT_SECONDS, kill_seconds(budget.seconds)), device)
    return [
        replace(submission.request(index, seed, device, budget), limit=limit)
        for index, seed in enumerate(seeds)
    ]


def _budget(settings: ScoreSettings, bank: ReferenceBank, isolation: Sandbox) -> Budget:
    """Return what a run may cost when it is scored, or about that.

    They are known where something has been scored here; else the bank's own cost of a
    retraining stands in, so that nothing is measured for a trial of seconds.
    """
    usual = replace(settings, n_jobs=usual_jobs(settings.track.device))
    kept = RetrainingCost(usual, isolation.level).kept()
    seconds = kept.seconds if kept else bank.seconds.tolist()
    return Budget(settings.track.evaluation.cap, float(statistics.median(seconds)))


def _summary(
    submission: Submission, outcomes: list[Outcome], device: str
) -> Validation:
    found = [outcome.failure_of_its_own() for outcome in outcomes]
    failures = [failure for failure in found if failure is not None]
    problems = [f"{failure.status}: {failure.reason}" for failure in failures]
    tracebacks = [failure.traceback for failure in failures if failure.traceback]
    costs = tuple(cost_seconds(outcome.report.usage, device) for outcome in outcomes)
    return Validation(
        name=submission.name,
        problems=tuple(dict.fromkeys(problems)),
        notes=tuple(_notes(outcomes, costs)),
        cost_seconds=costs,
        traceback=tracebacks[0] if tracebacks else "",
        output=outcomes[0].report.output,
    )


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
