"""From arrays to every number of a result: what ``score`` and ``estimate`` share."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.metrics.attacks.certified import LEAST_MODELS as CERTIFIABLE_MODELS
from harness.metrics.attacks.certified import certified_epsilon
from harness.metrics.flags.result_flags import ResultFacts, result_flags
from harness.metrics.inputs.confidence import ConfidencePair, forget_pair
from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.example_table import ExampleRow, example_table
from harness.metrics.literature.metric_value import MetricValue
from harness.metrics.literature.registry import literature_metrics
from harness.metrics.official.epsilon import DELTA
from harness.metrics.official.metric import OfficialMetric, official_metric
from harness.metrics.official.utility import Utility
from harness.metrics.uncertainty.ceiling import (
    Ceiling,
    Ceilings,
    ceilings,
    floors,
)
from harness.metrics.uncertainty.interval import (
    Examples,
    IntervalOptions,
    Unavailable,
    mean_interval,
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
from harness.metrics.uncertainty.sample_size import sample_sizes
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.metrics.uncertainty.scoring_noise import Scoring
from harness.models.outputs import ModelOutputs
from harness.scoring.numbers import BothIntervals, Ends, ends_of, number

SETS = ("retain", "test", "forget")
#: Decides halves and splits of the models: the same arrays give the same numbers.
_SEED = 2023


@dataclass(frozen=True)
class Runs:
    """What is known of runs besides outputs: digests and movement of the weights."""

    hashes: Sequence[str]
    moved: Sequence[float]


class Yardstick:
    """Everything of a measurement that does not depend on the submission.

    Parameters
    ----------
    bank : ModelOutputs
        All retrained models of the bank; the first N are compared with.
    n_models : int
        N.
    original : ModelOutputs, optional
        The original model, N = 1: the floor.
    delta : float
        The δ of (ε, δ)-unlearning.
    """

    def __init__(
        self,
        bank: ModelOutputs,
        n_models: int,
        original: ModelOutputs | None = None,
        delta: float = DELTA,
    ) -> None:
        self.bank, self.original, self.delta = bank, original, delta
        self.n_models = n_models
        self.retrained = bank.first(n_models)

    @property
    def held_out(self) -> ModelOutputs | None:
        """Retrained models that are not compared with, if there are any."""
        if len(self.bank) <= self.n_models:
            return None
        return self.bank.take(slice(self.n_models, None))

    @cached_property
    def ceilings(self) -> Ceilings:
        """Ceilings of F and of the score."""
        options = IntervalOptions(delta=self.delta)
        return ceilings(self.bank, self.n_models, seed=_SEED, options=options)

    @cached_property
    def floors(self) -> tuple[float | None, float | None]:
        """F and score of the original model, N times over."""
        if self.original is None:
            return None, None
        return floors(self.original, self.retrained, delta=self.delta)


class Measurement:
    """All metrics of one submission's models.

    Parameters
    ----------
    unlearned : ModelOutputs
        N unlearned models.
    yardstick : Yardstick
        What they are held against.
    runs : Runs, optional
        For the flags that need it.
    """

    def __init__(
        self, unlearned: ModelOutputs, yardstick: Yardstick, runs: Runs | None = None
    ) -> None:
        self._unlearned, self._yardstick, self._runs = unlearned, yardstick, runs
        self._both = unlearned, yardstick.retrained

    @cached_property
    def official(self) -> OfficialMetric:
        """The competition's ε and F."""
        return official_metric(*self._both, delta=self._yardstick.delta)

    @property
    def _pair(self) -> ConfidencePair:
        return forget_pair(*self._both)

    @cached_property
    def _utility(self) -> Utility | None:
        return Utility.between(*self._both)

    def headline(self) -> dict[str, Any]:
        """Score, F, accuracies and ε, with intervals, ceiling and floor."""
        quality, utility = self.official.forgetting_quality, self._utility
        tops, floors = self._yardstick.ceilings, self._yardstick.floors
        intervals = self._intervals
        content = {
            "forgetting_quality": number(
                quality,
                intervals.of_quality,
                tops.forgetting_quality,
                floors[0],
            ),
            "epsilon": self._epsilon(),
        }
        if utility is not None and intervals.of_score is not None:
            score = number(
                quality * utility.factor, intervals.of_score, tops.score, floors[1]
            )
            score["clipped"] = quality * utility.clipped
            content |= {"score": score, **self._accuracies()}
        return content

    @cached_property
    def _scoring(self) -> Scoring | None:
        """Small repetitions that intervals are made of; None with too few models."""
        if self._pair.fewest < INTERVAL_MODELS:
            return None
        rng = np.random.default_rng(_SEED)
        return Scoring.of(self._pair, rng, self._yardstick.delta)

    @cached_property
    def _intervals(self) -> BothIntervals:
        found = (
            self._intervals_over("fixed"),
            self._intervals_over("drawn"),
            self._repetitions,
        )
        quality = Ends(*(each.forgetting_quality for each in found))
        scores = [each.score for each in found if each.score is not None]
        return BothIntervals(quality, Ends(*scores) if scores else None)

    @cached_property
    def _repetitions(self) -> OfficialIntervals:
        """Where F and score of other runs of the submission fall."""
        options = IntervalOptions(delta=self._yardstick.delta)
        return repetition_intervals(*self._both, seed=_SEED, options=options)

    def _intervals_over(self, examples: Examples) -> OfficialIntervals:
        options = IntervalOptions(delta=self._yardstick.delta, examples=examples)
        if self._scoring is None:
            return too_few_models(self._pair, self._utility)
        return intervals_of(self._scoring, self._utility, options=options)

    @cached_property
    def scored(self) -> ScoredSubmission | None:
        """The submission, ready to be compared; None with too few models.

        Made of the repetitions that its own intervals are made of, so that comparing
        all results of a track costs about a millisecond a pair, where N and bank are
        the same.
        """
        if self._scoring is None:
            return None
        theirs = self._yardstick.retrained.forget_confidence
        return ScoredSubmission.from_scoring(
            self._scoring, self._utility, theirs, _SEED
        )

    def others(self) -> dict[str, Any]:
        """Compute the field's other metrics, flags and precision against N."""
        metrics = literature_metrics(
            Comparison(*self._both, self._yardstick.held_out, seed=_SEED)
        )
        sizes = sample_sizes(*self._both, self._scoring, seed=_SEED)
        return {
            "metrics": [_metric(metric) for metric in metrics],
            "flags": self.flags(),
            "precision": []
            if isinstance(sizes, Unavailable)
            else [asdict(row) for row in sizes],
        }

    def flags(self) -> list[dict[str, Any]]:
        """Look for what a reader must know; it changes no number."""
        f_ceiling = self._yardstick.ceilings.forgetting_quality
        high = f_ceiling.interval.high if isinstance(f_ceiling, Ceiling) else None
        facts = ResultFacts(
            weight_hashes=self._runs.hashes if self._runs else None,
            weight_movement=self._runs.moved if self._runs else None,
            ceiling_high=high,
        )
        return [
            {"code": str(f.code), "message": f.message, "evidence": dict(f.evidence)}
            for f in result_flags(*self._both, self.official, facts, seed=_SEED)
        ]

    def examples(
        self, indices: NDArray[np.int64], targets: NDArray[np.int64]
    ) -> tuple[ExampleRow, ...]:
        """List the forget examples: ε, certified ε, medians.

        Parameters
        ----------
        indices, targets : ndarray ``[S]``
            Their places in the training set, and their classes.
        """
        certified = np.zeros(self.official.epsilon.size)
        if self._pair.fewest >= CERTIFIABLE_MODELS:
            certified = certified_epsilon(*self._pair, seed=_SEED).epsilon
        return example_table(
            self._pair,
            indices=indices,
            labels=targets,
            epsilon=self.official.epsilon,
            certified=certified,
        )

    def _epsilon(self) -> dict[str, Any]:
        official = self.official
        return {
            "value": float(np.median(official.epsilon)),
            "direction": "lower",
            "undetermined": int(official.undetermined.sum()),
            "peaky": int(official.peaky.sum()),
        }

    def _accuracies(self) -> dict[str, Any]:
        if self._utility is None:
            return {}
        return {f"{of}_accuracy": self._accuracy(of) for of in SETS}

    def _accuracy(self, of: str) -> dict[str, Any]:
        ours, theirs = (models.accuracy(of) for models in self._both)
        original = self._yardstick.original
        floor_value = None
        if original is not None and original.has_accuracies:
            floor_value = float(original.accuracy(of)[0])
        value, retrained_value = float(ours.mean()), float(theirs.mean())
        return {
            "value": value,
            **ends_of(mean_interval(ours)),
            "direction": "nearest to the ceiling" if of == "forget" else "higher",
            "ratio": value / retrained_value if retrained_value else None,
            "ceiling": retrained_value,
            "floor": floor_value,
        }


def _metric(metric: MetricValue) -> dict[str, Any]:
    row: Mapping[str, Any] = asdict(metric)
    return {**row, "direction": str(metric.direction)}
