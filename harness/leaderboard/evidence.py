"""What is computed from stored arrays: for the ranking a little, for a check all."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from harness.errors import CheckFailed
from harness.leaderboard.eligibility import Eligibility
from harness.leaderboard.reading import recomputed
from harness.leaderboard.stored import StoredResult
from harness.metrics.uncertainty.efficiency import efficiency_ratio
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.models.records import RunRecord
from harness.results.schema import Metrics, Result
from harness.results.store import EXAMPLES, read_examples
from harness.run.cost import cost_seconds
from harness.run.messages import Usage
from harness.scoring.measure import Measurement
from harness.scoring.reference import Reference


@dataclass(frozen=True)
class Evidence:
    """What the arrays of one result say.

    The certified ε is the median over the forget examples, None where not all runs
    were made; None is `comparable` in pairs with too few models, and for references;
    `result` has every figure computed afresh, where that was asked for.
    """

    certified_epsilon: float | None = None
    comparable: ScoredSubmission | None = None
    result: Result | None = None

    @property
    def recomputed(self) -> Result:
        """The result as its arrays say that it is."""
        if self.result is None:
            raise AssertionError("gather(everything=True) leaves no result out")
        return self.result


#: By the results' folders.
EvidenceOf = Mapping[Path, Evidence]


def gather(
    results: Sequence[StoredResult],
    eligibility: Eligibility,
    *,
    n_jobs: int,
    everything: bool = False,
) -> EvidenceOf:
    """Compute what rows need of the arrays of eligible results; or `everything`."""
    reference, cap = eligibility.reference, eligibility.track.evaluation.cap
    # Here and now, so that they travel with it and no process computes them again.
    _ = reference.ceilings, reference.floors
    # No memory mapped for a few megabytes: a killed process would leave it behind.
    found = Parallel(n_jobs=min(n_jobs, max(1, len(results))), max_nbytes=None)(
        delayed(evidence_of)(each, reference, cap, everything=everything)
        for each in results
    )
    return {each.path: told for each, told in zip(results, found, strict=True)}


def evidence_of(
    stored: StoredResult, reference: Reference, cap: float, *, everything: bool
) -> Evidence:
    """Compute what the arrays of one result say; see `gather`."""
    result = stored.result
    if not (stored.path / EXAMPLES).is_file():
        return Evidence(
            result=replace(result, metrics=Metrics()) if everything else None
        )
    runs = _read(stored.path)
    measurement = None
    if len(runs) >= result.n_models:
        measurement = Measurement.of_runs(runs, reference)
    fresh = _recomputed(result, runs, cap, measurement) if everything else None
    if measurement is None:
        return Evidence(result=fresh)
    compares = stored.is_measured and not result.is_reference
    return Evidence(
        certified_epsilon=_median_certified(measurement),
        comparable=measurement.scored if compares else None,
        result=fresh,
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
    measurement: Measurement | None,
) -> Result:
    efficiency = None
    if not result.unknown_cost:
        made = result.provenance
        costs = [
            cost_seconds(Usage(r.cpu_seconds, r.wall_seconds, 0), made.device)
            for r in runs
        ]
        efficiency = efficiency_ratio(costs, made.retraining_seconds, cap)
    return recomputed(result, len(runs), efficiency, measurement)


def _median_certified(measurement: Measurement) -> float:
    nowhere = np.zeros(measurement.official.epsilon.size, dtype=np.int64)
    rows = measurement.examples(nowhere, nowhere)
    return statistics.median(row.certified_epsilon for row in rows)
