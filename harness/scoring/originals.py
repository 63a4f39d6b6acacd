"""Metrics of runs that start from several original models: the mean over these.

Every metric is computed for the runs of each original apart, as the competition did for
its only one. Pooled, the runs of K originals would be no independent draws: K originals
given back untouched look like K clusters, and no attack on one interval tells them from
retrained models.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.metrics.flags.flag import Flag, FlagCode
from harness.metrics.literature.example_table import ExampleRow
from harness.metrics.literature.over_originals import mean_metric
from harness.metrics.official.diagnosis import Diagnosis
from harness.metrics.official.metric import OfficialMetric
from harness.metrics.uncertainty.interval import Interval
from harness.metrics.uncertainty.originals import mean_submission, originals_interval
from harness.metrics.uncertainty.sample_size import SampleSizeRow
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.models.outputs import ModelOutputs
from harness.models.records import RunRecord
from harness.results.schema import Epsilon, Metrics, Number
from harness.scoring.figures import accuracy, number
from harness.scoring.measure import Measurement
from harness.scoring.reference import Reference


class OriginalsMeasurement:
    """All metrics of one submission's models, N of each of K >= 2 originals.

    `parts` are the measurements of each original's models.
    """

    def __init__(self, parts: Sequence[Measurement], reference: Reference) -> None:
        self._parts, self._reference = parts, reference
        self._unlearned = ModelOutputs.stack([part.unlearned for part in parts])

    @cached_property
    def calibrated(self) -> "OriginalsMeasurement | None":
        """The same of calibrated confidences; None where either side has none."""
        parts = [part.calibrated for part in self._parts]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts) or self._reference.calibrated is None:
            return None
        return OriginalsMeasurement(known, self._reference.calibrated)

    @cached_property
    def official(self) -> OfficialMetric:
        """F and each example's ε in the mean; where either failed once, it counts."""
        found = [part.official for part in self._parts]
        return OfficialMetric(
            np.mean([each.epsilon for each in found], axis=0),
            np.any([each.undetermined for each in found], axis=0),
            np.any([each.peaky for each in found], axis=0),
            float(np.mean([each.forgetting_quality for each in found])),
        )

    def metrics(self) -> Metrics:
        """Compute all metrics but the cost."""
        calibrated, models = self.calibrated, (self._unlearned, self._reference)
        each = [part.metrics() for part in self._parts]
        metrics = Metrics(
            forgetting_quality=self.forgetting_quality,
            calibrated_forgetting_quality=calibrated.forgetting_quality
            if calibrated
            else None,
            epsilon=self._epsilon(),
            diagnosis=_mean_diagnosis([m.diagnosis for m in each]),
            metrics=tuple(
                map(mean_metric, zip(*(m.metrics for m in each), strict=True))
            ),
            flags=_merged([m.flags for m in each]),
            precision=_mean_rows([m.precision for m in each]),
        )
        if not self._unlearned.has_accuracies:
            return metrics
        return replace(
            metrics,
            score=self.score,
            calibrated_score=calibrated.score if calibrated else None,
            retain_accuracy=accuracy("retain", *models),
            test_accuracy=accuracy("test", *models),
            forget_accuracy=accuracy("forget", *models),
        )

    @cached_property
    def forgetting_quality(self) -> Number:
        """F in the mean over the originals, with its intervals, ceiling and floor."""
        found = [part.forgetting_quality for part in self._parts]
        top = self._reference.ceilings.forgetting_quality
        floor = self._reference.floors.forgetting_quality
        return number(_mean(found), self._intervals(found), top, floor)

    @cached_property
    def score(self) -> Number | None:
        """The score, with the same; None without accuracies."""
        found = [part.score for part in self._parts if part.score is not None]
        if len(found) < len(self._parts):
            return None
        top, floor = self._reference.ceilings.score, self._reference.floors.score
        score = number(_mean(found), self._intervals(found), top, floor)
        clipped = [each.clipped for each in found if each.clipped is not None]
        return replace(score, clipped=float(np.mean(clipped)))

    def _intervals(self, found: Sequence[Number]) -> tuple[Interval, ...]:
        return (originals_interval([each.value for each in found]),) * 3

    @cached_property
    def scored(self) -> ScoredSubmission | None:
        """The submission, ready to be compared; None with too few models."""
        parts = [part.scored for part in self._parts]
        known = [part for part in parts if part is not None]
        return mean_submission(known) if len(known) == len(parts) else None

    def examples(
        self, indices: NDArray[np.int64], targets: NDArray[np.int64]
    ) -> tuple[ExampleRow, ...]:
        """List the forget examples; each number is the mean over the originals."""
        tables = [part.examples(indices, targets) for part in self._parts]
        return tuple(map(_mean_example, zip(*tables, strict=True)))

    def _epsilon(self) -> Epsilon:
        return Epsilon(
            value=float(np.median(self.official.epsilon)),
            undetermined=int(self.official.undetermined.sum()),
            peaky=int(self.official.peaky.sum()),
        )


AnyMeasurement = Measurement | OriginalsMeasurement


def measure_runs(runs: Sequence[RunRecord], reference: Reference) -> AnyMeasurement:
    """Measure finished runs, those of each original apart."""
    groups: dict[int, list[RunRecord]] = {}
    for run in runs:
        place = run.outputs.original
        groups.setdefault(0 if place is None else int(place[0]), []).append(run)
    parts = [Measurement.of_runs(groups[place], reference) for place in sorted(groups)]
    return parts[0] if len(parts) == 1 else OriginalsMeasurement(parts, reference)


def _mean(numbers: Sequence[Number]) -> float:
    return float(np.mean([each.value for each in numbers]))


def _merged(flags: Sequence[Sequence[Flag]]) -> tuple[Flag, ...]:
    """Keep one flag of each kind, of the first original that raises it."""
    raised = {flag.code: flag for each in reversed(flags) for flag in each}
    return tuple(raised[code] for code in FlagCode if code in raised)


def _mean_rows(
    tables: Sequence[tuple[SampleSizeRow, ...]],
) -> tuple[SampleSizeRow, ...]:
    """Return F against N, rows and their intervals in the mean over originals."""
    return tuple(
        SampleSizeRow(
            rows[0].n_models,
            *(
                float(np.mean([getattr(row, name) for row in rows]))
                for name in ("mean", "low", "high")
            ),
        )
        for rows in zip(*tables, strict=True)
    )


def _mean_diagnosis(found: Sequence[Diagnosis | None]) -> Diagnosis | None:
    known = [vars(each) for each in found if each is not None]
    if len(known) < len(found):
        return None
    means = {n: float(np.mean([each[n] for each in known])) for n in known[0]}
    return Diagnosis(**means)


def _mean_example(rows: Sequence[ExampleRow]) -> ExampleRow:
    names = [each.name for each in fields(ExampleRow)][2:]
    means: dict[str, Any] = {
        n: float(np.mean([getattr(row, n) for row in rows])) for n in names
    }
    return replace(rows[0], **means)
