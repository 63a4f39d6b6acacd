"""``result.json``: what it holds and what each field means; each is declared here.

``SCHEMA`` rises when a field changes its meaning or goes away. A number that does not
exist is ``null``, with a ``reason`` beside it.
"""

from dataclasses import dataclass, field, fields, replace
from typing import Literal

from harness.machine import Machine
from harness.metrics.flags.flag import Flag
from harness.metrics.literature.metric_value import MetricValue
from harness.metrics.uncertainty.sample_size import SampleSizeRow
from harness.results.serialization import (
    JsonObject,
    NotOfSchema,
    from_json,
    left_out,
    to_json,
)
from harness.status import Status

SCHEMA = 1
#: Keys that the store adds to a result.
STORED = ("files", "sha256")


@dataclass(frozen=True, kw_only=True)
class Number:
    """F or the score, with all that says what it means.

    Attributes
    ----------
    value : float
        Of this scoring.
    low, high : float or None
        95 % interval: what fresh models get in the mean on the same forget examples.
    reason : str
        Why there is no interval; a key only there.
    level : float
        Nominal coverage of the intervals; a key only where there are some.
    low_drawn, high_drawn : float or None
        The same on other forget examples of the same kind: how good the method is.
    low_repeated, high_repeated : float or None
        Where the value of a second scoring against the same bank falls.
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
    retain_accuracy, test_accuracy, forget_accuracy : Accuracy or None
        Utility on the three sets.
    epsilon : Epsilon or None
        The competition's ε.
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
    retain_accuracy: Accuracy | None = None
    test_accuracy: Accuracy | None = None
    forget_accuracy: Accuracy | None = None
    epsilon: Epsilon | None = None
    efficiency: Efficiency | None = None
    metrics: tuple[MetricValue, ...] = ()
    flags: tuple[Flag, ...] = ()
    precision: tuple[SampleSizeRow, ...] = ()

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


@dataclass(frozen=True, kw_only=True)
class About:
    """What a submission says of itself.

    Attributes
    ----------
    name, title, summary, authors, url : str
        As its file has them.
    sha256 : str
        Digest of its source.
    reference : bool
        Shown for comparison, never ranked.
    made : str
        ``"elsewhere"`` for checkpoints that were not made here; a key only there.
    """

    name: str
    title: str = ""
    summary: str = ""
    authors: str = ""
    url: str = ""
    sha256: str = ""
    reference: bool = False
    made: str | None = left_out()


@dataclass(frozen=True, kw_only=True)
class Isolation:
    """How the runs were kept apart.

    Attributes
    ----------
    level : str
        ``full``, ``partial`` or ``none``.
    not_enforced : tuple of str
        What a hostile submission could still do.
    """

    level: str
    not_enforced: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What a result was made from, so that it can be made again or refused.

    Attributes
    ----------
    harness_version : str
        Of this package.
    metrics_version : int
        It rises when a metric gives other numbers.
    track, track_hash : str
        The recipe.
    split_seed : int
        Of the forget set.
    data_hash : str
        Of the data set.
    bank_key : str
        Address of the reference bank.
    bank_size : int
        Its retrained models.
    delta : float
        The δ of (ε, δ)-unlearning.
    seed : int
        Of the scoring; another one draws other runs.
    secret_name : str
        Of the secret that the seeds of the runs come from; empty for public ones.
    device : str
        ``cpu`` or ``cuda``.
    n_jobs : int
        Runs at a time.
    retraining_seconds : tuple of float
        Cost of each measured retraining.
    retraining_waited : float
        Share of their time that these waited for a core.
    machine : Machine
        Where it ran.
    isolation : Isolation
        How the runs were kept apart.
    """

    harness_version: str
    metrics_version: int
    track: str
    track_hash: str
    split_seed: int
    data_hash: str
    bank_key: str
    bank_size: int
    delta: float
    seed: int
    secret_name: str = ""
    device: str
    n_jobs: int
    retraining_seconds: tuple[float, ...] = ()
    retraining_waited: float = 0.0
    machine: Machine
    isolation: Isolation


@dataclass(frozen=True, kw_only=True)
class Result:
    """The result of one submission on one track.

    Attributes
    ----------
    status : Status
        What became of it; only ``scored`` is ranked.
    reason, traceback : str
        Why it is not scored, in a sentence, and the end of its own traceback.
    repeat : str
        The command that repeats just the failed run.
    n_models, n_finished : int
        Runs asked for, and done.
    metrics : Metrics
        All that was measured; its fields are keys of the result itself.
    about : About
        What the submission says of itself.
    provenance : Provenance
        What the result was made from.
    """

    status: Status
    reason: str = ""
    traceback: str = ""
    repeat: str = ""
    n_models: int
    n_finished: int
    metrics: Metrics = field(default_factory=Metrics)
    about: About
    provenance: Provenance

    @property
    def name(self) -> str:
        """The submission's name."""
        return self.about.name

    @property
    def is_reference(self) -> bool:
        """Whether it is shown for comparison only."""
        return self.about.reference

    @property
    def is_complete(self) -> bool:
        """Whether all runs were made, so that there is a score."""
        return self.metrics.score is not None

    @property
    def unknown_cost(self) -> str:
        """Why nothing is known of its cost, so that it takes no rank; mostly empty."""
        efficiency = self.metrics.efficiency
        return (efficiency and efficiency.reason) or ""

    @property
    def is_ranked(self) -> bool:
        """Whether it takes part in a ranking: not what has an unknown cost."""
        shown_only = self.is_reference or self.unknown_cost
        return self.status == Status.SCORED and not shown_only

    def to_dict(self) -> JsonObject:
        """Write the documented JSON object."""
        content: JsonObject = {"schema": SCHEMA, "submission": self.name}
        for key, value in to_json(self).items():
            content |= self.metrics.to_dict() if key == "metrics" else {key: value}
            if key == "repeat":
                content["reference"] = self.is_reference
        return content

    @classmethod
    def from_dict(cls, content: JsonObject) -> "Result":
        """Read what `to_dict` wrote.

        Raises
        ------
        NotOfSchema
            If it is not a result of this schema.
        """
        if content.get("schema") != SCHEMA:
            raise NotOfSchema(f"schema is {content.get('schema')!r:.40}, not {SCHEMA}")
        derived = ("schema", "submission", "reference", *STORED)
        own = {key: value for key, value in content.items() if key not in derived}
        measured = {key: own.pop(key, None) for key in Metrics.names()}
        metrics = {key: found for key, found in measured.items() if found is not None}
        result = from_json(cls, {**own, "metrics": {}})
        return replace(result, metrics=from_json(Metrics, metrics))
