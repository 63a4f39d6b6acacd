"""``result.json``: what it holds and what each field means; each is declared once.

``SCHEMA`` rises when a field changes its meaning or goes away.
"""

from dataclasses import dataclass, field, replace

from harness.machine import Machine
from harness.results.measured import Accuracy, Efficiency, Epsilon, Metrics, Number
from harness.results.serialization import (
    JsonObject,
    NotOfSchema,
    from_json,
    left_out,
    to_json,
)
from harness.status import Status

__all__ = [
    "About",
    "Accuracy",
    "Efficiency",
    "Epsilon",
    "Isolation",
    "MachineCost",
    "Metrics",
    "Number",
    "Provenance",
    "Result",
]
SCHEMA = 1
#: Keys that the store adds to a result.
STORED = ("files", "sha256")


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
class MachineCost:
    """A machine of a cluster that took part.

    Attributes
    ----------
    name : str
        Its name, and what it is.
    arithmetic : str
        Digest of what decides the bits of a model there.
    n_runs : int
        Runs that it made.
    retraining_seconds : tuple of float
        Cost of each retraining measured there, which its runs are held against.
    """

    name: str
    arithmetic: str
    n_runs: int
    retraining_seconds: tuple[float, ...]


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
    originals : int
        Original models that the runs start from.
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
        Cost of each measured retraining, of all machines.
    retraining_waited : float
        Share of their time that these waited for a core.
    machine : Machine
        Where it ran, or on a cluster from where it was asked for.
    machines : tuple of MachineCost
        Those of a cluster that took part; a key only there.
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
    originals: int = 1
    delta: float
    seed: int
    secret_name: str = ""
    device: str
    n_jobs: int
    retraining_seconds: tuple[float, ...] = ()
    retraining_waited: float = 0.0
    machine: Machine
    machines: tuple[MachineCost, ...] | None = left_out()
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
