"""Metrics of runs that start from several original models: the mean over these.

Every metric is computed for the runs of each original apart, as the competition did for
its only one. Pooled, the runs of K originals would be no independent draws: K originals
given back untouched look like K clusters, and no attack on one interval tells them from
retrained models.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from harness.metrics.flags.flag import Flag, FlagCode
from harness.metrics.literature.example_table import ExampleRow
from harness.metrics.literature.metric_value import MetricValue
from harness.metrics.literature.over_originals import mean_metric
from harness.metrics.official.diagnosis import Diagnosis
from harness.metrics.official.metric import OfficialMetric
from harness.metrics.official.utility import Utility
from harness.metrics.uncertainty.interval import Interval, Unavailable
from harness.metrics.uncertainty.official_interval import LEAST_MODELS
from harness.metrics.uncertainty.originals import originals_intervals
from harness.metrics.uncertainty.sample_size import (
    SampleSizeRow,
    sample_sizes_of_originals,
)
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.metrics.uncertainty.scoring_noise import Scoring
from harness.models.outputs import ModelOutputs
from harness.models.records import RunRecord
from harness.results.schema import Number
from harness.scoring.any_measurement import AnyMeasurement
from harness.scoring.figures import number
from harness.scoring.measure import Measurement
from harness.scoring.reference import SEED, Reference


class OriginalsMeasurement(AnyMeasurement):
    """All metrics of one submission's models, N of each of K >= 2 originals.

    `parts` are the measurements of each original's models.
    """

    def __init__(self, parts: Sequence[Measurement], reference: Reference) -> None:
        super().__init__(
            ModelOutputs.stack([part.unlearned for part in parts]), reference
        )
        self._parts = parts

    @cached_property
    def calibrated(self) -> Self | None:
        """The same of calibrated confidences; None where either side has none."""
        parts = [part.calibrated for part in self._parts]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts) or self._reference.calibrated is None:
            return None
        return type(self)(known, self._reference.calibrated)

    @cached_property
    def official(self) -> OfficialMetric:
        """F in the mean, each example's ε in the median; what failed once, counts.

        An ε of 50 says that no mistake was made, and no mean with others has a meaning.
        """
        found = [part.official for part in self._parts]
        return OfficialMetric(
            np.median([each.epsilon for each in found], axis=0),
            np.any([each.undetermined for each in found], axis=0),
            np.any([each.peaky for each in found], axis=0),
            float(np.mean([each.forgetting_quality for each in found])),
        )

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """What keeps F down, in the mean over the originals."""
        found = [vars(part.diagnosis) for part in self._parts]
        means = {n: float(np.mean([each[n] for each in found])) for n in found[0]}
        return Diagnosis(**means)

    def literature(self) -> tuple[MetricValue, ...]:
        """Compute the metrics of the literature in the mean over the originals."""
        values = zip(*(part.literature() for part in self._parts), strict=True)
        return tuple(map(mean_metric, values))

    def flags(self) -> tuple[Flag, ...]:
        """Keep one flag of each kind, of the first original that raises it."""
        raised: dict[FlagCode, Flag] = {}
        for place, part in reversed(list(enumerate(self._parts))):
            for flag in part.flags():
                words = f"Runs from original model {place}: {flag.message}"
                raised[flag.code] = replace(flag, message=words)
        return tuple(raised[code] for code in FlagCode if code in raised)

    @cached_property
    def forgetting_quality(self) -> Number:
        """F in the mean over the originals, with its intervals, ceiling and floor."""
        top = self._reference.ceilings.forgetting_quality
        floor = self._reference.floors.forgetting_quality
        fixed, *others = self._intervals([None] * len(self._parts))
        if isinstance(fixed, Interval):
            fixed = replace(fixed, high=min(fixed.high, 1.0))
        return number(self.official.forgetting_quality, (fixed, *others), top, floor)

    @cached_property
    def score(self) -> Number | None:
        """The score, with the same; None without accuracies."""
        utilities = [part.utility for part in self._parts if part.utility is not None]
        if len(utilities) < len(self._parts):
            return None
        both = list(zip(self._qualities, utilities, strict=True))
        score = number(
            float(np.mean([quality * utility.factor for quality, utility in both])),
            self._intervals(utilities),
            self._reference.ceilings.score,
            self._reference.floors.score,
        )
        clipped = [quality * utility.clipped for quality, utility in both]
        return replace(score, clipped=float(np.mean(clipped)))

    @property
    def _qualities(self) -> list[float]:
        return [part.official.forgetting_quality for part in self._parts]

    @cached_property
    def _scorings(self) -> list[Scoring]:
        """Small repetitions of each original; none where one has too few models."""
        found = [part.scoring for part in self._parts]
        known = [scoring for scoring in found if scoring is not None]
        return known if len(known) == len(found) else []

    def _intervals(
        self, utilities: Sequence[Utility | None]
    ) -> tuple[Interval | Unavailable, ...]:
        """Over fresh originals, over fresh examples too, and of a second scoring."""
        if not self._scorings:
            fewest = min((part.pair for part in self._parts), key=lambda p: p.fewest)
            return (Unavailable(fewest.lacks(LEAST_MODELS)),) * 3
        both = list(zip(self._scorings, utilities, strict=True))
        factors = [1.0 if utility is None else utility.factor for utility in utilities]
        return originals_intervals(
            [scoring.earned(utility) for scoring, utility in both],
            factor=float(np.mean(factors)),
            n_fewest=min(scoring.n_fewest for scoring in self._scorings),
            outliers=any(scoring.outliers for scoring in self._scorings),
            untouched=all(scoring.untouched for scoring in self._scorings),
        )

    def precision(self) -> tuple[SampleSizeRow, ...]:
        """Compute F against the number of models, in the mean over the originals."""
        whole = self.forgetting_quality
        if not self._scorings or whole.low is None or whole.high is None:
            return ()
        n_models = self._scorings[0].n_models
        pairs = [part.pair for part in self._parts]
        rows = sample_sizes_of_originals(
            list(zip(pairs, self._scorings, strict=True)),
            SampleSizeRow(n_models, whole.value, whole.low, whole.high),
            seed=SEED,
        )
        return () if isinstance(rows, Unavailable) else rows

    @cached_property
    def scored(self) -> ScoredSubmission | None:
        """The submission, ready to be compared; None with too few models."""
        parts = [part.scored for part in self._parts]
        known = [part for part in parts if part is not None]
        return (
            ScoredSubmission.over_originals(known) if len(known) == len(parts) else None
        )

    def examples(
        self, indices: NDArray[np.int64], targets: NDArray[np.int64]
    ) -> tuple[ExampleRow, ...]:
        """List the forget examples: the mean over the originals, of ε the median."""
        tables = [part.examples(indices, targets) for part in self._parts]
        return tuple(map(_over_originals, zip(*tables, strict=True)))


def measure_runs(runs: Sequence[RunRecord], reference: Reference) -> AnyMeasurement:
    """Measure finished runs, those of each original apart."""
    groups: dict[int, list[RunRecord]] = {}
    for run in runs:
        place = run.outputs.original
        groups.setdefault(0 if place is None else int(place[0]), []).append(run)
    parts = [
        Measurement.of_runs(groups[place], reference, len(groups))
        for place in sorted(groups)
    ]
    return parts[0] if len(parts) == 1 else OriginalsMeasurement(parts, reference)


def _over_originals(rows: Sequence[ExampleRow]) -> ExampleRow:
    names = [each.name for each in fields(ExampleRow)][2:]
    middles: dict[str, Any] = {
        name: float(
            (np.median if name == "epsilon" else np.mean)(
                [getattr(row, name) for row in rows]
            )
        )
        for name in names
    }
    return replace(rows[0], **middles)
