"""What a result says that was measured; each of its fields is declared here.

A number that does not exist is ``null``, with a ``reason`` beside it.
"""

from dataclasses import dataclass, fields
from typing import Literal

from harness.metrics.flags.flag import Flag
from harness.metrics.literature.metric_value import MetricValue
from harness.metrics.official.diagnosis import Diagnosis
from harness.metrics.uncertainty.sample_size import SampleSizeRow
from harness.results.serialization import JsonObject, left_out, to_json


@dataclass(frozen=True, kw_only=True)
class Number:
    """F or the score, with all that says what it means.

    Attributes
    ----------
    value : float
        Of this scoring.
    low, high : float or None
        95 % interval: what fresh models, of fresh originals where there are several,
        get in the mean on the same forget examples.
    reason : str
        Why there is no interval; a key only there.
    level : float
        Nominal coverage of the intervals; a key only where there are some.
    not_covered : str
        What the intervals leave out, where all runs start from one original model; a
        key only there.
    low_drawn, high_drawn : float or None
        The same on other forget examples of the same kind: how good the method is.
    low_repeated, high_repeated : float or None
        Where the value of a second scoring on the same originals, against the same
        bank, falls.
    direction : str
        Which way is better.
    ceiling : float or None
        What retraining itself gets.
    ceiling_low, ceiling_high : float
        Where the value of a perfect unlearner falls; keys only with a ceiling.
    ceiling_reason : str
        Why there is no ceiling; a key only there.
    floor : float or None
        What the original model gets.
    share_of_ceiling : float or None
        Value over ceiling.
    clipped : float
        The score with accuracy ratios of at most 1; a key of the score only.
    """

    value: float
    low: float | None = None
    high: float | None = None
    reason: str | None = left_out()
    level: float | None = left_out()
    not_covered: str | None = left_out()
    low_drawn: float | None = None
    high_drawn: float | None = None
    low_repeated: float | None = None
    high_repeated: float | None = None
    direction: Literal["higher"] = "higher"
    ceiling: float | None = None
    ceiling_low: float | None = left_out()
    ceiling_high: float | None = left_out()
    ceiling_reason: str | None = left_out()
    floor: float | None = None
    share_of_ceiling: float | None = None
    clipped: float | None = left_out()


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """Utility on one set, a share in 0..1.

    Attributes
    ----------
    value : float
        Mean over the unlearned models.
    low, high : float or None
        95 % interval of that mean.
    reason : str
        Why there is no interval; a key only there.
    level : float
        Nominal coverage of the interval; a key only where there is one.
    direction : str
        Which way is better.
    ratio : float or None
        Value over that of retraining; null where that is 0.
    ceiling : float or None
        Mean over the retrained models.
    floor : float or None
        Of the original model.
    """

    value: float
    low: float | None = None
    high: float | None = None
    reason: str | None = left_out()
    level: float | None = left_out()
    direction: Literal["higher", "nearest to the ceiling"] = "higher"
    ratio: float | None
    ceiling: float | None = None
    floor: float | None = None


@dataclass(frozen=True, kw_only=True)
class Epsilon:
    """The competition's ε over the forget examples.

    Attributes
    ----------
    value : float
        Median.
    direction : str
        Which way is better.
    undetermined, peaky : int
        Examples whose ε could not be determined, and those that count as peaky.
    """

    value: float
    direction: Literal["lower"] = "lower"
    undetermined: int
    peaky: int


@dataclass(frozen=True, kw_only=True)
class Efficiency:
    """Cost of a run over the cost of a retraining on the same machine.

    Attributes
    ----------
    ratio : float or None
        Of the medians; lower is better.
    low, high : float or None
        Its 95 % interval.
    cap : float
        The largest ratio allowed.
    cost_seconds, retraining_seconds : float or None
        The two medians.
    reason : str
        Why the cost is not known, so that there is no rank; a key only there.
    """

    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    cap: float
    cost_seconds: float | None = None
    retraining_seconds: float | None = None
    reason: str | None = left_out()


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """All that was measured; None, or empty, is what could not be.

    Attributes
    ----------
    score : Number or None
        F times the ratios of retain and test accuracy.
    forgetting_quality : Number or None
        The competition's F.
    calibrated_score, calibrated_forgetting_quality : Number or None
        The same two after each model has been calibrated on the test set, so that
        noise which anybody can remove from a model earns nothing.
    retain_accuracy, test_accuracy, forget_accuracy : Accuracy or None
        Utility on the three sets.
    epsilon : Epsilon or None
        The competition's ε.
    diagnosis : Diagnosis or None
        Why F is low, of calibrated confidences where there are some.
    efficiency : Efficiency or None
        The cost.
    metrics : tuple of MetricValue
        The metrics of the literature, with what retraining itself gets.
    flags : tuple of Flag
        What a reader must know; it changes no number.
    precision : tuple of SampleSizeRow
        F against the number of models.
    """

    score: Number | None = None
    forgetting_quality: Number | None = None
    calibrated_score: Number | None = None
    calibrated_forgetting_quality: Number | None = None
    retain_accuracy: Accuracy | None = None
    test_accuracy: Accuracy | None = None
    forget_accuracy: Accuracy | None = None
    epsilon: Epsilon | None = None
    diagnosis: Diagnosis | None = None
    efficiency: Efficiency | None = None
    metrics: tuple[MetricValue, ...] = ()
    flags: tuple[Flag, ...] = ()
    precision: tuple[SampleSizeRow, ...] = ()

    @property
    def ranked_score(self) -> Number | None:
        """The score that decides ranks: the calibrated one, where there is one."""
        return self.calibrated_score or self.score

    def to_dict(self) -> JsonObject:
        """Write every key; what was not measured is null."""
        content = to_json(self)
        if self.forgetting_quality is not None:
            return content
        return {key: value or None for key, value in content.items()}

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Keys of the metrics in ``result.json``."""
        return tuple(each.name for each in fields(cls))
