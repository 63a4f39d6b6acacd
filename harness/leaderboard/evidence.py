"""What is computed from stored arrays: for the ranking a little, for a check all."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness.errors import CheckFailed
from harness.leaderboard.eligibility import Eligibility
from harness.leaderboard.stored import StoredResult
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.models.records import RunRecord
from harness.reference.parallel import Counter, delayed, work_through
from harness.results.schema import Efficiency, Metrics, Result
from harness.results.store import EXAMPLES, read_examples
from harness.scoring.any_measurement import AnyMeasurement
from harness.scoring.originals import measure_runs
from harness.scoring.reference import Reference
from harness.scoring.verdict import efficiency_of
from harness.status import Status


@dataclass(frozen=True)
class Evidence:
    """What the arrays of one result say.

    The certified ε is the median over the forget examples, None where not all runs
    were made; None is `comparable` in pairs, by the official or the `calibrated` score,
    with too few models, and for references; `result` is as stored, or with every figure
    computed afresh where that was asked for.
    """

    result: Result
    certified_epsilon: float | None = None
    comparable: ScoredSubmission | None = None
    calibrated: ScoredSubmission | None = None

    @property
    def ranked(self) -> ScoredSubmission | None:
        """What ranks are made of: calibrated, where that is known."""
        return self.calibrated or self.comparable


#: By the results' folders.
EvidenceOf = Mapping[Path, Evidence]


def gather(
    results: Sequence[StoredResult],
    eligibility: Eligibility,
    *,
    n_jobs: int,
    everything: bool = False,
    counter: Counter | None = None,
) -> EvidenceOf:
    """Compute what rows need of the arrays of eligible results; or `everything`."""
    reference, cap = eligibility.reference, eligibility.track.evaluation.cap
    # Here and now, so that they travel with it and no process computes them again.
    for each in filter(None, (reference, reference.calibrated)):
        _ = each.ceilings, each.floors
    tasks = [
        delayed(evidence_of)(each, reference, cap, everything=everything)
        for each in results
    ]
    what = f"results of {eligibility.track.name}"
    found = work_through(tasks, n_jobs, what, counter)
    return {each.path: told for each, told in zip(results, found, strict=True)}


def evidence_of(
    stored: StoredResult, reference: Reference, cap: float, *, everything: bool
) -> Evidence:
    """Compute what the arrays of one result say; see `gather`."""
    result = stored.result
    if not (stored.path / EXAMPLES).is_file():
        return Evidence(replace(result, metrics=Metrics()) if everything else result)
    runs = _read(stored.path)
    measurement = None
    if len(runs) >= result.n_models * result.provenance.originals:
        _refuse_uneven(stored, runs)
        measurement = measure_runs(runs, reference)
    fresh = _recomputed(result, runs, cap, measurement) if everything else result
    if measurement is None:
        return Evidence(fresh)
    compares = stored.is_measured and not result.is_reference
    calibrated = measurement.calibrated if compares else None
    return Evidence(
        fresh,
        certified_epsilon=_median_certified(measurement),
        comparable=measurement.scored if compares else None,
        calibrated=calibrated.scored if calibrated else None,
    )


def _refuse_uneven(stored: StoredResult, runs: Sequence[RunRecord]) -> None:
    """Refuse runs that are not N of each original, as run i starts from i modulo K.

    Unevenly many would have no interval, and what has none could not be told from any.
    """
    n_originals = stored.result.provenance.originals
    n_runs = stored.result.n_models * n_originals
    places = [
        0 if run.outputs.original is None else int(run.outputs.original[0])
        for run in runs
    ]
    even = [index % n_originals for index in range(n_runs)]
    if [run.index for run in runs] != list(range(n_runs)) or places != even:
        raise CheckFailed(
            f"the runs in {stored.path} are not {stored.result.n_models} of each of "
            f"{n_originals} originals in their order; score the submission again with "
            "--force."
        )


def _read(path: Path) -> list[RunRecord]:
    try:
        return read_examples(path)
    except (OSError, ValueError, KeyError) as error:
        raise CheckFailed(
            f"the arrays in {path} cannot be read ({error}); score the submission "
            "again with --force."
        ) from None


def _recomputed(
    result: Result,
    runs: Sequence[RunRecord],
    cap: float,
    measurement: AnyMeasurement | None,
) -> Result:
    """Return a result with the figures that its arrays give, and no others."""
    metrics = Metrics() if measurement is None else measurement.metrics()
    # Where nothing was timed, there is nothing to compute the cost from.
    status, cost, made = result.status, result.metrics.efficiency, result.provenance
    if not result.unknown_cost:
        efficiency = efficiency_of(runs, made.retraining_seconds, made.device, cap)
        status = Status.OVER_BUDGET if efficiency.over_cap else Status.SCORED
        cost = Efficiency(**vars(efficiency))
    metrics = replace(metrics, efficiency=cost)
    return replace(result, status=status, n_finished=len(runs), metrics=metrics)


def _median_certified(measurement: AnyMeasurement) -> float:
    nowhere = np.zeros(measurement.official.epsilon.size, dtype=np.int64)
    rows = measurement.examples(nowhere, nowhere)
    return statistics.median(row.certified_epsilon for row in rows)
