"""From the finished runs of one entry to its result: all that it says meets here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from harness import __version__
from harness.machine import this_machine
from harness.metrics import METRICS_VERSION
from harness.metrics.literature.example_table import ExampleRow
from harness.metrics.uncertainty.efficiency import (
    EfficiencyRatio,
    Timings,
    efficiency_over_machines,
)
from harness.models.records import RunRecord
from harness.reference import ReferenceBank
from harness.results.schema import (
    About,
    Efficiency,
    Isolation,
    Metrics,
    Provenance,
    Result,
)
from harness.run.calibration import Calibration
from harness.run.entry import Entry
from harness.run.messages import Failure
from harness.sandbox import Sandbox, not_enforced_on
from harness.scoring.machines import all_seconds, by_machine, cost_of, machine_costs
from harness.scoring.originals import measure_runs
from harness.scoring.reference import Reference
from harness.scoring.seeds import secret_name
from harness.scoring.settings import ScoreSettings
from harness.status import Status
from harness.tasks.base import Indices

COST_UNKNOWN = "cost unknown: made elsewhere"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What has been done for one entry, before anything is measured.

    The `runs` are in order, and fewer than N if it was stopped; `repeat` is the command
    that does the failed one again. `retraining` is None where no cost is known. The
    forget examples are told by their places in the data set, and by their classes.
    """

    entry: Entry
    runs: Sequence[RunRecord] = ()
    failure: Failure | None = None
    repeat: str = ""
    retraining: Calibration | None = None
    forget_indices: Indices | None = None
    forget_labels: Indices | None = None


class Scored(NamedTuple):
    """A result with what backs it: the finished runs, and a row an example."""

    result: Result
    runs: Sequence[RunRecord] = ()
    examples: Sequence[ExampleRow] = ()


class Verdicts:
    """Says what attempts under one command's settings amount to."""

    def __init__(
        self, settings: ScoreSettings, bank: ReferenceBank, isolation: Sandbox
    ) -> None:
        self._settings, self._bank, self._isolation = settings, bank, isolation

    def still_holds(self, result: Result) -> bool:
        """Whether a stored verdict is the one that is asked for now."""
        evaluation = self._settings.track.evaluation
        efficiency = result.metrics.efficiency
        return (
            result.status in (Status.SCORED, Status.OVER_BUDGET)
            and result.n_models == self._settings.n_models
            and efficiency is not None
            and efficiency.cap == evaluation.cap
            and result.provenance.delta == evaluation.delta
            and result.provenance.metrics_version == METRICS_VERSION
        )

    def efficiency(
        self, runs: Sequence[RunRecord], retraining: Calibration
    ) -> EfficiencyRatio:
        """Hold the cost of runs against that of retrainings."""
        device, cap = self._settings.device, self._settings.track.evaluation.cap
        return efficiency_of(runs, retraining.seconds, device, cap)

    def conclude(self, attempt: Attempt) -> Scored:
        """Measure what was run, and make the result."""
        if attempt.failure is not None:
            return Scored(self._result(attempt, attempt.failure, Metrics()))
        cost, failure = self._cost(attempt)
        if len(attempt.runs) < self._settings.n_runs(attempt.entry):
            unfinished = self._result(attempt, failure, Metrics(efficiency=cost))
            return Scored(unfinished, attempt.runs)
        measurement = measure_runs(attempt.runs, self._reference)
        metrics = replace(measurement.metrics(), efficiency=cost)
        if attempt.forget_indices is None or attempt.forget_labels is None:
            raise AssertionError("the data has been read where runs were made")
        examples = measurement.examples(attempt.forget_indices, attempt.forget_labels)
        return Scored(self._result(attempt, failure, metrics), attempt.runs, examples)

    @cached_property
    def _reference(self) -> Reference:
        delta = self._settings.track.evaluation.delta
        return Reference.of_bank(self._bank, self._settings.n_models, delta)

    def _cost(self, attempt: Attempt) -> tuple[Efficiency, Failure | None]:
        """Return the efficiency, null where it is unknown, and a verdict over it."""
        if attempt.retraining is None:
            cap = self._settings.track.evaluation.cap
            return Efficiency(cap=cap, reason=COST_UNKNOWN), None
        efficiency, failure = self.efficiency(attempt.runs, attempt.retraining), None
        if efficiency.over_cap:
            wanted = self._settings.n_runs(attempt.entry)
            reason = over_budget_reason(efficiency, len(attempt.runs), wanted)
            failure = Failure(Status.OVER_BUDGET, reason)
        return Efficiency(**vars(efficiency)), failure

    def _result(
        self, attempt: Attempt, failure: Failure | None, metrics: Metrics
    ) -> Result:
        return Result(
            about=about_submission(attempt.entry),
            status=failure.status if failure else Status.SCORED,
            reason=failure.reason if failure else "",
            traceback=failure.traceback if failure else "",
            repeat=attempt.repeat,
            n_models=self._settings.n_models,
            n_finished=len(attempt.runs),
            provenance=self._provenance(attempt),
            metrics=metrics,
        )

    def _provenance(self, attempt: Attempt) -> Provenance:
        retraining, machines = attempt.retraining, machine_costs(attempt.runs)
        seconds = retraining.seconds if retraining else ()
        if machines:
            seconds = tuple(s for one in machines for s in one.retraining_seconds)
        settings, bank, isolation = self._settings, self._bank, self._isolation
        missing = (*isolation.not_enforced, *not_enforced_on(settings.device))
        return Provenance(
            harness_version=__version__,
            metrics_version=METRICS_VERSION,
            track=settings.track.name,
            track_hash=settings.track.hash,
            split_seed=settings.track.data.split_seed,
            data_hash=bank.manifest.data_hash,
            bank_key=bank.key,
            bank_size=len(bank),
            originals=settings.originals_of(attempt.entry),
            delta=settings.track.evaluation.delta,
            seed=settings.seed,
            secret_name=secret_name(settings.secret),
            device=settings.device,
            n_jobs=settings.n_jobs,
            retraining_seconds=tuple(seconds),
            retraining_waited=retraining.waited if retraining else 0.0,
            machine=this_machine(),
            machines=machines or None,
            isolation=Isolation(level=isolation.level, not_enforced=missing),
        )


def about_submission(entry: Entry) -> About:
    """Describe what is scored by what it says of itself."""
    return About(
        name=entry.name,
        title=entry.title,
        summary=entry.summary,
        authors=entry.authors,
        url=entry.url,
        sha256=entry.sha256,
        reference=entry.is_reference,
        made="elsewhere" if entry.made_elsewhere else None,
    )


def efficiency_of(
    runs: Sequence[RunRecord], retraining: Sequence[float], device: str, cap: float
) -> EfficiencyRatio:
    """Hold the cost of runs against retrainings: of their own machine, where told."""
    timings = [
        Timings([cost_of(run, device) for run in made], all_seconds(made) or retraining)
        for made in by_machine(runs).values()
    ]
    return efficiency_over_machines(timings, cap)


def over_budget_reason(
    efficiency: EfficiencyRatio, n_finished: int, n_runs: int
) -> str:
    """Say what the runs cost, what they may cost, and whether they were cut short."""
    interval = ""
    if efficiency.low is not None and efficiency.high is not None:
        interval = f" ({efficiency.low:.2f} to {efficiency.high:.2f})"
    reason = (
        f"it costs {efficiency.ratio:.2f} of a retraining{interval}; "
        f"the cap is {efficiency.cap:.2f}."
    )
    if n_finished < n_runs:
        reason += f" It was stopped after {n_finished} of {n_runs} runs."
    return reason
