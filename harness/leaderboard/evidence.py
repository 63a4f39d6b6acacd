"""What is computed from stored arrays: for the ranking a little, for a check all."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed

from harness.errors import CheckFailed
from harness.leaderboard.eligibility import Terms
from harness.leaderboard.stored import Entry
from harness.metrics.uncertainty.efficiency import efficiency_ratio
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.models.records import RunRecord
from harness.results.schema import Efficiency, Metrics, Result
from harness.results.store import EXAMPLES, read_examples
from harness.run.cost import cost_seconds
from harness.run.messages import Usage
from harness.scoring.measure import Measurement
from harness.scoring.reference import Reference
from harness.status import Status


class Figures(NamedTuple):
    """What is computed afresh: status, runs that were made, and all metrics."""

    status: Status
    n_finished: int
    metrics: Metrics


@dataclass(frozen=True)
class Evidence:
    """What the arrays of one result say.

    Attributes
    ----------
    certified_epsilon : float or None
        Median over the forget examples; None where not all runs were made.
    side : ScoredSubmission or None
        For paired comparisons; None with too few models for them.
    figures : Figures or None
        Computed afresh where asked.
    """

    certified_epsilon: float | None = None
    side: ScoredSubmission | None = None
    figures: Figures | None = None


@dataclass(frozen=True)
class Question:
    """What is wanted of one result's arrays; small enough to send to a process.

    Attributes
    ----------
    path : Path
        The result's folder.
    result : Result
        What it says.
    reference : Reference
        What it is measured with, ceilings computed.
    cap : float
        The track's.
    compares : bool
        Whether it takes part in paired comparisons.
    everything : bool
        Whether every figure is computed afresh.
    """

    path: Path
    result: Result
    reference: Reference
    cap: float
    compares: bool
    everything: bool


def gather(
    entries: Sequence[Entry], terms: Terms, *, n_jobs: int, everything: bool = False
) -> dict[Path, Evidence]:
    """Compute what rows need of their arrays, by the results' folders.

    Parameters
    ----------
    entries : sequence of Entry
        Results that keep the terms.
    terms : Terms
        Track and bank.
    n_jobs : int
        Processes.
    everything : bool
        Compute every figure of the result afresh.

    Raises
    ------
    CheckFailed
        If the arrays cannot be read.
    """
    reference, cap = terms.reference, terms.track.evaluation.cap
    # Here and now, so that they travel with it and no process computes them again.
    _ = reference.ceilings, reference.floors
    questions = [
        Question(
            entry.path,
            entry.result,
            reference,
            cap,
            compares=entry.is_measured and not entry.result.is_reference,
            everything=everything,
        )
        for entry in entries
    ]
    # No memory mapped for a few megabytes: a killed process would leave it behind.
    answers = Parallel(n_jobs=min(n_jobs, max(1, len(questions))), max_nbytes=None)(
        delayed(evidence_of)(question) for question in questions
    )
    return {entry.path: each for entry, each in zip(entries, answers, strict=True)}


def evidence_of(question: Question) -> Evidence:
    """Answer one question; see `gather`."""
    path, result = question.path, question.result
    if not (path / EXAMPLES).is_file():
        figures = Figures(result.status, result.n_finished, Metrics())
        return Evidence(figures=figures if question.everything else None)
    runs = _read(path)
    if len(runs) < result.n_models:
        figures = _unfinished(runs, question)
        return Evidence(figures=figures if question.everything else None)
    measurement = Measurement.of_runs(runs, question.reference)
    figures = _unfinished(runs, question)
    if question.everything:
        metrics = measurement.metrics()
        metrics = replace(metrics, efficiency=figures.metrics.efficiency)
        figures = figures._replace(metrics=metrics)
    return Evidence(
        certified_epsilon=_median_certified(measurement),
        side=measurement.scored if question.compares else None,
        figures=figures if question.everything else None,
    )


def _read(path: Path) -> list[RunRecord]:
    try:
        return read_examples(path)
    except (OSError, ValueError, KeyError) as error:
        raise CheckFailed(
            f"the arrays in {path} cannot be read ({error}); score the submission "
            "again with --force."
        ) from None


def _unfinished(runs: list[RunRecord], question: Question) -> Figures:
    """Return the figures that do not need all runs."""
    result = question.result
    if result.unknown_cost:
        # Nothing was timed, so there is nothing to compute it from.
        metrics = Metrics(efficiency=result.metrics.efficiency)
        return Figures(result.status, len(runs), metrics)
    device = result.provenance.device
    costs = [
        cost_seconds(Usage(r.cpu_seconds, r.wall_seconds, 0), device) for r in runs
    ]
    base = result.provenance.retraining_seconds
    efficiency = efficiency_ratio(costs, base, question.cap)
    status = Status.OVER_BUDGET if efficiency.over_cap else Status.SCORED
    return Figures(
        status, len(runs), Metrics(efficiency=Efficiency(**vars(efficiency)))
    )


def _median_certified(measurement: Measurement) -> float:
    nowhere = np.zeros(measurement.official.epsilon.size, dtype=np.int64)
    rows = measurement.examples(nowhere, nowhere)
    return statistics.median(row.certified_epsilon for row in rows)
