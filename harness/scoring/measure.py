"""From model outputs to every metric of a result."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from harness.metrics.attacks.bounded_errors import ALPHA
from harness.metrics.attacks.certified import LEAST_MODELS as CERTIFIABLE_MODELS
from harness.metrics.attacks.certified import certified_epsilon
from harness.metrics.flags.flag import Flag
from harness.metrics.flags.result_flags import ResultFacts, result_flags
from harness.metrics.inputs.confidence import ConfidencePair, forget_pair
from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.example_table import ExampleRow, example_table
from harness.metrics.literature.metric_value import MetricValue
from harness.metrics.literature.registry import literature_metrics
from harness.metrics.official.diagnosis import Diagnosis, diagnose
from harness.metrics.official.metric import OfficialMetric, official_metric
from harness.metrics.official.utility import Utility
from harness.metrics.uncertainty.ceiling import Ceiling
from harness.metrics.uncertainty.interval import (
    Examples,
    IntervalOptions,
    Unavailable,
)
from harness.metrics.uncertainty.official_interval import (
    LEAST_MODELS as INTERVAL_MODELS,
)
from harness.metrics.uncertainty.official_interval import (
    OfficialIntervals,
    intervals_of,
    repetition_intervals,
    too_few_models,
)
from harness.metrics.uncertainty.sample_size import SampleSizeRow, sample_sizes
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.metrics.uncertainty.scoring_noise import LEAST_HALVED, Scoring
from harness.models.outputs import ModelOutputs
from harness.models.records import RunRecord, stack
from harness.results.schema import Number
from harness.scoring.any_measurement import AnyMeasurement
from harness.scoring.figures import number
from harness.scoring.reference import SEED, Reference


class Measurement(AnyMeasurement):
    """All metrics of one submission's models.

    Parameters
    ----------
    unlearned : ModelOutputs
        N unlearned models.
    reference : Reference
        What they are held against.
    runs : sequence of RunRecord, optional
        The runs that made them, for the flags.
    n_originals : int, default 1
        Of how many originals the mean is to be taken, these models being of one. What
        serves only for intervals is then drawn less often for each.
    """

    def __init__(
        self,
        unlearned: ModelOutputs,
        reference: Reference,
        *,
        runs: Sequence[RunRecord] = (),
        n_originals: int = 1,
    ) -> None:
        super().__init__(unlearned, reference)
        self._runs = runs
        self._both, self._n_originals = (unlearned, reference.retrained), n_originals
        self._pair = forget_pair(*self._both)

    @classmethod
    def of_runs(
        cls, runs: Sequence[RunRecord], reference: Reference, n_originals: int = 1
    ) -> Self:
        """Measure finished runs."""
        return cls(stack(runs), reference, runs=runs, n_originals=n_originals)

    @property
    def pair(self) -> ConfidencePair:
        """The forget confidences of both sides."""
        return self._pair

    @property
    def unlearned(self) -> ModelOutputs:
        """The models that are measured."""
        return self._unlearned

    @cached_property
    def official(self) -> OfficialMetric:
        """The competition's ε and F."""
        return official_metric(*self._both, delta=self._reference.delta)

    @cached_property
    def calibrated(self) -> Self | None:
        """The same of calibrated confidences; None where either side has none."""
        unlearned, reference = self._unlearned.calibrated(), self._reference.calibrated
        if unlearned is None or reference is None:
            return None
        return type(self)(unlearned, reference, n_originals=self._n_originals)

    @cached_property
    def utility(self) -> Utility | None:
        """What is left of accuracy; None without accuracies."""
        return Utility.between(*self._both)

    @cached_property
    def forgetting_quality(self) -> Number:
        """F, with its intervals, ceiling and floor."""
        return number(
            self.official.forgetting_quality,
            [each.forgetting_quality for each in self._intervals],
            self._reference.ceilings.forgetting_quality,
            self._reference.floors.forgetting_quality,
            one_original=self._unlearned.original is not None,
        )

    @cached_property
    def score(self) -> Number | None:
        """The score, with the same; None without accuracies."""
        quality, utility = self.official.forgetting_quality, self.utility
        scores = [each.score for each in self._intervals if each.score is not None]
        if utility is None or not scores:
            return None
        score = number(
            quality * utility.factor,
            scores,
            self._reference.ceilings.score,
            self._reference.floors.score,
            one_original=self._unlearned.original is not None,
        )
        return replace(score, clipped=quality * utility.clipped)

    @property
    def diagnosis(self) -> Diagnosis:
        """What keeps F down, held against retrained models that F is not."""
        held_out = self._reference.held_out
        others = None if held_out is None else held_out.forget_confidence
        return diagnose(self._pair, others, delta=self._reference.delta)

    @cached_property
    def scoring(self) -> Scoring | None:
        """Small repetitions that intervals are made of; None with too few models."""
        return None if self._pair.fewest < INTERVAL_MODELS else self._repeated()

    def _repeated(self) -> Scoring:
        rng = np.random.default_rng(SEED)
        delta, originals = self._reference.delta, self._n_originals
        return Scoring.of(self._pair, rng, delta, originals=originals)

    @cached_property
    def _intervals(self) -> tuple[OfficialIntervals, ...]:
        """On these examples, on others of their kind, and of other runs."""
        options = IntervalOptions(delta=self._reference.delta)
        repeated = repetition_intervals(*self._both, seed=SEED, options=options)
        return self._intervals_over("fixed"), self._intervals_over("drawn"), repeated

    def _intervals_over(self, examples: Examples) -> OfficialIntervals:
        options = IntervalOptions(delta=self._reference.delta, examples=examples)
        if self.scoring is None:
            return too_few_models(self._pair, self.utility)
        return intervals_of(self.scoring, self.utility, options=options)

    @cached_property
    def scored(self) -> ScoredSubmission | None:
        """The submission, ready to be compared; None with too few models.

        Made of the repetitions that its own intervals are made of, so that comparing
        all results of a track costs about a millisecond a pair. Those of the same N
        and the same bank go together.
        """
        if self._pair.fewest < LEAST_HALVED:
            return None
        theirs, scoring = self._pair.retrained, self.scoring or self._repeated()
        return ScoredSubmission.from_scoring(scoring, self.utility, theirs, SEED)

    def literature(self) -> tuple[MetricValue, ...]:
        """Compute the metrics of the literature."""
        comparison = Comparison(
            *self._both,
            self._reference.held_out,
            seed=SEED,
            n_originals=self._n_originals,
        )
        return literature_metrics(comparison)

    def precision(self) -> tuple[SampleSizeRow, ...]:
        """Compute F against the number of models."""
        rows = sample_sizes(*self._both, self.scoring, seed=SEED)
        return () if isinstance(rows, Unavailable) else tuple(rows)

    def flags(self) -> tuple[Flag, ...]:
        """Say what a reader must know."""
        ceiling = self._reference.ceilings.forgetting_quality
        high = ceiling.interval.high if isinstance(ceiling, Ceiling) else None
        facts = ResultFacts(
            runs=self._runs,
            ceiling_high=high,
            scored=self._scored_twice(),
            kept_by_retraining=self._reference.kept_when_calibrated,
        )
        return tuple(result_flags(*self._both, self.official, facts, seed=SEED))

    def _scored_twice(self) -> tuple[ScoredSubmission, ScoredSubmission] | None:
        again = self.calibrated.scored if self.calibrated else None
        return (self.scored, again) if self.scored and again else None

    def examples(
        self, indices: NDArray[np.int64], targets: NDArray[np.int64]
    ) -> tuple[ExampleRow, ...]:
        """List the forget examples, of given places in the training set and classes."""
        certified = np.zeros(self.official.epsilon.size)
        if self._pair.fewest >= CERTIFIABLE_MODELS:
            # A mean of K bounds holds where all do.
            alpha = ALPHA / self._n_originals
            found = certified_epsilon(*self._pair, seed=SEED, alpha=alpha)
            certified = found.epsilon
        return example_table(
            (self._pair, (self.calibrated or self)._pair),
            indices=indices,
            labels=targets,
            epsilon=self.official.epsilon,
            certified=certified,
        )
