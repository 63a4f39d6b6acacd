"""A row of the leaderboard, before it is formatted."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.leaderboard.stored import Entry
from harness.results.schema import Metrics


class Role(StrEnum):
    """In which part of the table a row stands (a closed list)."""

    RANKED = "ranked"
    CONTROL = "control"
    UNRANKED = "unranked"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row; its fields are the columns, and None is an empty cell.

    Attributes
    ----------
    rank, private_rank : int or None
        On the public and on the private split; shared between rows that cannot be
        told apart.
    submission, title, status, reason, flags : str
        ``flags`` are codes separated by spaces.
    score, score_low, score_high : float or None
        The score and its 95 % interval.
    repeat_low, repeat_high : float or None
        Where the score of a second scoring falls in 95 % of the cases.
    share_of_ceiling : float or None
        The score over that of retraining itself.
    forgetting_quality, ra_ratio, ta_ratio : float or None
        The three factors of the score.
    efficiency_ratio : float or None
        Cost over the cost of a retraining.
    certified_epsilon : float or None
        Median over the forget examples of a lower bound of ε.
    n_models : int
        N.
    isolation : str
        Level at which the runs were kept apart.
    seed : int or None
        Of the scoring.
    score_second_replicate : float or None
        The score of the same source with the next seed.
    submission_sha256 : str
        First 12 digits of the digest of the source.
    role : Role
        Where the row stands.
    track, bank : str
        Hash of the track and key of the reference bank.
    private_score, private_low, private_high : float or None
        The same measured on the private split.
    shake_up : int or None
        Public rank minus private rank: positive when the private split is kinder.
    """

    rank: int | None = None
    submission: str
    title: str = ""
    status: str = ""
    score: float | None = None
    score_low: float | None = None
    score_high: float | None = None
    repeat_low: float | None = None
    repeat_high: float | None = None
    share_of_ceiling: float | None = None
    forgetting_quality: float | None = None
    ra_ratio: float | None = None
    ta_ratio: float | None = None
    efficiency_ratio: float | None = None
    certified_epsilon: float | None = None
    n_models: int
    isolation: str = ""
    seed: int | None = None
    score_second_replicate: float | None = None
    reason: str = ""
    flags: str = ""
    submission_sha256: str = ""
    role: Role
    track: str
    bank: str
    private_score: float | None = None
    private_low: float | None = None
    private_high: float | None = None
    private_rank: int | None = None
    shake_up: int | None = None


def row_of(entry: Entry, metrics: Metrics, **more: Any) -> Row:
    """Return the row of a result, without its rank.

    Parameters
    ----------
    entry : Entry
        The result.
    metrics : Metrics
        Its metrics, as stored or computed afresh.
    more
        Fields that the result does not hold; they take the place of those it does.
    """
    result, made = entry.result, entry.result.provenance
    score, quality = metrics.score, metrics.forgetting_quality
    retain, test = metrics.retain_accuracy, metrics.test_accuracy
    fields: dict[str, Any] = {
        "submission": entry.name,
        "title": result.about.title,
        "status": str(result.status),
        "score": score and score.value,
        "score_low": score and score.low,
        "score_high": score and score.high,
        "repeat_low": score and score.low_repeated,
        "repeat_high": score and score.high_repeated,
        "share_of_ceiling": score and score.share_of_ceiling,
        "forgetting_quality": quality and quality.value,
        "ra_ratio": retain and retain.ratio,
        "ta_ratio": test and test.ratio,
        "efficiency_ratio": metrics.efficiency and metrics.efficiency.ratio,
        "n_models": result.n_models,
        "isolation": made.isolation.level,
        "seed": entry.seed,
        "reason": result.reason or result.unknown_cost,
        "flags": " ".join(str(flag.code) for flag in metrics.flags),
        "submission_sha256": entry.sha256[:12],
        "role": _role(entry),
        "track": made.track_hash,
        "bank": made.bank_key,
    }
    return Row(**{**fields, **more})


def _role(entry: Entry) -> Role:
    if entry.result.is_reference:
        return Role.CONTROL
    return Role.RANKED if entry.is_ranked else Role.UNRANKED
