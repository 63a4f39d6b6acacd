"""``result.json``: what it holds and what each field means.

``schema`` rises when a field changes its meaning or goes away. Every measured field is
an object with ``value`` and ``direction``; ``low`` and ``high`` bound a 95 % interval
over fresh models, ``low_drawn`` and ``high_drawn`` one over other forget examples of
the same kind too, and a second scoring against the same reference bank comes to lie
between ``low_repeated`` and ``high_repeated`` in 95 % of the cases; ``score`` has
``clipped``, with accuracy ratios of at most 1; ``ceiling`` is what retraining itself
gets and ``floor`` what the original model gets. A number that does not exist is
``null``, with a ``reason`` beside it.
"""

from dataclasses import dataclass, field
from typing import Any

from harness.status import Status

SCHEMA = 1
#: Every result has these keys; their value is null where nothing could be measured.
METRICS = (
    "score",
    "forgetting_quality",
    "retain_accuracy",
    "test_accuracy",
    "forget_accuracy",
    "epsilon",
    "efficiency",
    "metrics",
    "flags",
    "precision",
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """The result of one submission on one track.

    Attributes
    ----------
    submission : dict
        ``name``, ``title``, ``summary``, ``authors``, ``url``, ``sha256``,
        ``reference`` (shown, never ranked).
    status : Status
        What became of it; only ``scored`` is ranked.
    reason, traceback : str
        Why it is not scored, in a sentence, and the end of its own traceback.
    repeat : str
        The command that repeats just the failed run.
    n_models, n_finished : int
        Runs asked for, and done.
    provenance : dict
        Track, hashes, versions, seed, machine, isolation.
    metrics : dict
        ``score``, ``forgetting_quality``, ``retain_accuracy``, ``test_accuracy``,
        ``forget_accuracy``, ``epsilon``, ``efficiency``; the lists ``metrics`` (the
        field's others, with their null), ``flags`` and ``precision`` (F against N);
        empty when nothing could be measured.
    """

    submission: dict[str, Any]
    status: Status
    reason: str = ""
    traceback: str = ""
    repeat: str = ""
    n_models: int
    n_finished: int
    provenance: dict[str, Any]
    metrics: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The submission's name."""
        return str(self.submission["name"])

    @property
    def is_reference(self) -> bool:
        """Whether it is shown for comparison only."""
        return bool(self.submission.get("reference"))

    @property
    def unknown_cost(self) -> str:
        """Why nothing is known of its cost, so that it takes no rank; mostly empty."""
        efficiency = self.metrics.get("efficiency") or {}
        return str(efficiency.get("reason", ""))

    def to_dict(self) -> dict[str, Any]:
        """Flatten into the documented JSON object."""
        return {
            "schema": SCHEMA,
            "submission": self.name,
            "status": str(self.status),
            "reason": self.reason,
            "traceback": self.traceback,
            "repeat": self.repeat,
            "reference": self.is_reference,
            "n_models": self.n_models,
            "n_finished": self.n_finished,
            **dict.fromkeys(METRICS),
            **self.metrics,
            "about": self.submission,
            "provenance": self.provenance,
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Result":
        """Read what `to_dict` wrote.

        Raises
        ------
        KeyError, ValueError
            If it is not a result of this schema.
        """
        if content["schema"] != SCHEMA:
            raise ValueError(f"schema {content['schema']}, not {SCHEMA}")
        fixed = set(cls(**_EMPTY).to_dict()) - set(METRICS) | {"files", "sha256"}
        return cls(
            submission=dict(content["about"]),
            status=Status(content["status"]),
            reason=str(content["reason"]),
            traceback=str(content["traceback"]),
            repeat=str(content["repeat"]),
            n_models=int(content["n_models"]),
            n_finished=int(content["n_finished"]),
            provenance=dict(content["provenance"]),
            metrics={
                key: value
                for key, value in content.items()
                if key not in fixed and value is not None
            },
        )


_EMPTY: dict[str, Any] = {
    "submission": {"name": ""},
    "status": Status.SKIPPED,
    "n_models": 0,
    "n_finished": 0,
    "provenance": {},
}
