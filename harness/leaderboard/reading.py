"""What the leaderboard reads of a result: the only file here that knows its keys."""

from dataclasses import asdict, replace
from typing import NamedTuple, TypeAlias

from harness.metrics.uncertainty.efficiency import EfficiencyRatio
from harness.results.schema import Result
from harness.scoring.measure import Measurement
from harness.status import Status

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Provenance(NamedTuple):
    """How a result was made; None is what an earlier version did not write down."""

    track_hash: str | None
    bank_key: str | None
    bank_size: int | None
    split_seed: int | None
    seed: int | None
    delta: float | None
    metrics_version: int | None
    secret_name: str | None
    isolation_level: str
    device: str
    retraining_seconds: list[float]


def provenance(result: Result) -> Provenance:
    """Read how a result was made."""
    made = result.provenance
    isolation = made.get("isolation")
    level = isolation.get("level") if isinstance(isolation, dict) else "unknown"
    told = {**made, "isolation_level": level}
    return Provenance._make(told.get(name) for name in Provenance._fields)


def title(result: Result) -> str:
    """What its author calls the submission; may be empty."""
    return str(result.submission.get("title", ""))


def source_sha256(result: Result) -> str:
    """Digest of the submission's source."""
    return str(result.submission.get("sha256", ""))


def is_measured(result: Result) -> bool:
    """Whether all its runs were made, so that it has a score."""
    return "score" in result.metrics


def figure(result: Result, metric: str, name: str = "value") -> float | None:
    """Read one number of a metric; None where it was not measured."""
    number: float | None = result.metrics.get(metric, {}).get(name)
    return number


def flag_codes(result: Result) -> list[str]:
    """Codes of what a reader must know of a result."""
    return [str(flag["code"]) for flag in result.metrics.get("flags", [])]


def figures(result: Result) -> dict[str, Json]:
    """Return all that a check computes again, as it stands in ``result.json``."""
    told = {"status": str(result.status), "n_finished": result.n_finished}
    return {**told, **result.metrics}


def unmeasured(result: Result) -> Result:
    """Return a result as it is without arrays."""
    return replace(result, metrics={})


def recomputed(
    result: Result,
    n_finished: int,
    efficiency: EfficiencyRatio | None,
    measurement: Measurement | None,
) -> Result:
    """Return a result with the figures that its arrays give, and no others."""
    if efficiency is None:
        # Nothing was timed, so there is nothing to compute it from.
        status, metrics = result.status, {"efficiency": result.metrics["efficiency"]}
    else:
        status = Status.OVER_BUDGET if efficiency.over_cap else Status.SCORED
        metrics = {"efficiency": asdict(efficiency)}
    if measurement is not None:
        metrics |= measurement.headline() | measurement.others()
    return replace(result, status=status, n_finished=n_finished, metrics=metrics)
