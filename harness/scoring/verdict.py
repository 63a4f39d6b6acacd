"""From the finished runs of one entry to its result: all that it says meets here."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from harness.metrics import METRICS_VERSION
from harness.metrics.literature.example_table import ExampleRow
from harness.metrics.uncertainty.efficiency import EfficiencyRatio, efficiency_ratio
from harness.models.finished import FinishedRun
from harness.reference import ReferenceBank
from harness.results.schema import Result
from harness.run.calibration import Calibration
from harness.run.cost import cost_seconds
from harness.run.entry import Entry
from harness.run.isolation import Isolation
from harness.run.messages import Failure, Usage
from harness.scoring.measure import Measurement, Yardstick
from harness.scoring.provenance import about_submission, provenance
from harness.scoring.settings import ScoreSettings
from harness.scoring.sides import bank_side, runs_facts, unlearned_side
from harness.status import Status
from harness.tasks.base import Indices

COST_UNKNOWN = "cost unknown: made elsewhere"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What has been done for one entry, before anything is measured.

    Attributes
    ----------
    entry : Entry
        What is scored.
    runs : sequence of FinishedRun
        In the order of their indices; fewer than N if it was stopped.
    failure : Failure or None
        Why it is not measured.
    repeat : str
        The command that does the failed run again.
    retraining : Calibration or None
        What the cost of the runs is held against; None where neither is known.
    forget_indices : ndarray of int
        Places of the forget examples in the data set.
    """

    entry: Entry
    runs: Sequence[FinishedRun] = ()
    failure: Failure | None = None
    repeat: str = ""
    retraining: Calibration | None = None
    forget_indices: Indices | None = None


class Scored(NamedTuple):
    """A result with what backs it: the finished runs, and a row an example."""

    result: Result
    runs: Sequence[FinishedRun] = ()
    examples: Sequence[ExampleRow] = ()


class Verdicts:
    """Says what attempts under one command's settings amount to."""

    def __init__(
        self, settings: ScoreSettings, bank: ReferenceBank, isolation: Isolation
    ) -> None:
        self._settings, self._bank, self._isolation = settings, bank, isolation

    def still_holds(self, result: Result) -> bool:
        """Whether a stored verdict is the one that is asked for now."""
        evaluation = self._settings.track.evaluation
        efficiency = result.metrics.get("efficiency", {})
        return (
            result.status in (Status.SCORED, Status.OVER_BUDGET)
            and result.n_models == self._settings.n_models
            and efficiency.get("cap") == evaluation.cap
            and result.provenance.get("delta") == evaluation.delta
            and result.provenance.get("metrics_version") == METRICS_VERSION
        )

    def efficiency(
        self, runs: Sequence[FinishedRun], retraining: Calibration
    ) -> EfficiencyRatio:
        """Hold the cost of runs against that of retrainings."""
        costs = [
            cost_seconds(Usage(r.cpu_seconds, r.wall_seconds, 0), self._settings.device)
            for r in runs
        ]
        cap = self._settings.track.evaluation.cap
        return efficiency_ratio(costs, retraining.seconds, cap)

    def conclude(self, attempt: Attempt) -> Scored:
        """Measure what was run, and make the result."""
        if attempt.failure is not None:
            return Scored(self._result(attempt, attempt.failure, {}))
        metrics, failure = self._cost(attempt)
        if len(attempt.runs) < self._settings.n_models:
            return Scored(self._result(attempt, failure, metrics), attempt.runs)
        measurement = Measurement(
            unlearned_side(attempt.runs), self._yardstick, runs_facts(attempt.runs)
        )
        metrics |= measurement.headline() | measurement.others()
        if attempt.forget_indices is None:
            raise AssertionError("the data has been read where runs were made")
        targets = self._bank.arrays["forget_targets"].astype(np.int64)
        examples = measurement.examples(attempt.forget_indices, targets)
        return Scored(self._result(attempt, failure, metrics), attempt.runs, examples)

    @cached_property
    def _yardstick(self) -> Yardstick:
        return Yardstick(
            bank_side(self._bank),
            self._settings.n_models,
            bank_side(self._bank, "original_"),
            self._settings.track.evaluation.delta,
        )

    def _cost(self, attempt: Attempt) -> tuple[dict[str, Any], Failure | None]:
        """Return the efficiency, null where it is unknown, and a verdict over it."""
        if attempt.retraining is None:
            numbers = ("ratio", "low", "high", "cost_seconds", "retraining_seconds")
            unknown: dict[str, Any] = dict.fromkeys(numbers)
            cap = self._settings.track.evaluation.cap
            return {"efficiency": {**unknown, "cap": cap, "reason": COST_UNKNOWN}}, None
        efficiency, failure = self.efficiency(attempt.runs, attempt.retraining), None
        if efficiency.over_cap:
            wanted = self._settings.n_models
            reason = over_budget_reason(efficiency, len(attempt.runs), wanted)
            failure = Failure(Status.OVER_BUDGET, reason)
        return {"efficiency": asdict(efficiency)}, failure

    def _result(
        self, attempt: Attempt, failure: Failure | None, metrics: dict[str, Any]
    ) -> Result:
        settings, retraining = self._settings, attempt.retraining
        return Result(
            submission=about_submission(attempt.entry),
            status=failure.status if failure else Status.SCORED,
            reason=failure.reason if failure else "",
            traceback=failure.traceback if failure else "",
            repeat=attempt.repeat,
            n_models=settings.n_models,
            n_finished=len(attempt.runs),
            provenance=provenance(settings, self._bank, self._isolation, retraining),
            metrics=metrics,
        )


def over_budget_reason(
    efficiency: EfficiencyRatio, n_finished: int, n_models: int
) -> str:
    """Say what the runs cost, what they may cost, and whether they were cut short."""
    interval = ""
    if efficiency.low is not None and efficiency.high is not None:
        interval = f" ({efficiency.low:.2f} to {efficiency.high:.2f})"
    reason = (
        f"it costs {efficiency.ratio:.2f} of a retraining{interval}; "
        f"the cap is {efficiency.cap:.2f}."
    )
    if n_finished < n_models:
        reason += f" It was stopped after {n_finished} of {n_models} runs."
    return reason
