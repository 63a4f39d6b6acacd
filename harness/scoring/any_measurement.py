"""What measurements of one original model and of several have in common."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from harness.metrics.flags.flag import Flag
from harness.metrics.literature.example_table import ExampleRow
from harness.metrics.literature.metric_value import MetricValue
from harness.metrics.official.diagnosis import Diagnosis
from harness.metrics.official.metric import OfficialMetric
from harness.metrics.uncertainty.sample_size import SampleSizeRow
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.models.outputs import ModelOutputs
from harness.results.schema import Epsilon, Metrics, Number
from harness.scoring.figures import accuracy
from harness.scoring.reference import Reference


class AnyMeasurement(ABC):
    """All metrics of a submission's models, of one original or the mean over several.

    Parameters
    ----------
    unlearned : ModelOutputs
        The models.
    reference : Reference
        What they are held against.
    """

    def __init__(self, unlearned: ModelOutputs, reference: Reference) -> None:
        self._unlearned, self._reference = unlearned, reference

    @property
    @abstractmethod
    def official(self) -> OfficialMetric:
        """The competition's ε and F."""

    @property
    @abstractmethod
    def calibrated(self) -> Self | None:
        """The same of calibrated confidences; None where either side has none."""

    @property
    @abstractmethod
    def forgetting_quality(self) -> Number:
        """F, with its intervals, ceiling and floor."""

    @property
    @abstractmethod
    def score(self) -> Number | None:
        """The score, with the same; None without accuracies."""

    @property
    @abstractmethod
    def diagnosis(self) -> Diagnosis:
        """What keeps F down."""

    @property
    @abstractmethod
    def scored(self) -> ScoredSubmission | None:
        """The submission, ready to be compared; None with too few models."""

    @abstractmethod
    def literature(self) -> tuple[MetricValue, ...]:
        """Compute the metrics of the literature."""

    @abstractmethod
    def flags(self) -> tuple[Flag, ...]:
        """Say what a reader must know."""

    @abstractmethod
    def precision(self) -> tuple[SampleSizeRow, ...]:
        """Compute F against the number of models."""

    @abstractmethod
    def examples(
        self, indices: NDArray[np.int64], targets: NDArray[np.int64]
    ) -> tuple[ExampleRow, ...]:
        """List the forget examples, of given places in the training set and classes."""

    def metrics(self) -> Metrics:
        """Compute all metrics but the cost.

        Without accuracies there is neither a score nor utility.
        """
        calibrated, official = self.calibrated, self.official
        metrics = Metrics(
            forgetting_quality=self.forgetting_quality,
            calibrated_forgetting_quality=calibrated.forgetting_quality
            if calibrated
            else None,
            epsilon=Epsilon(
                value=float(np.median(official.epsilon)),
                undetermined=int(official.undetermined.sum()),
                peaky=int(official.peaky.sum()),
            ),
            diagnosis=(calibrated or self).diagnosis,
            metrics=self.literature(),
            flags=self.flags(),
            precision=self.precision(),
        )
        if self.score is None:
            return metrics
        models = self._unlearned, self._reference
        return replace(
            metrics,
            score=self.score,
            calibrated_score=calibrated.score if calibrated else None,
            retain_accuracy=accuracy("retain", *models),
            test_accuracy=accuracy("test", *models),
            forget_accuracy=accuracy("forget", *models),
        )
