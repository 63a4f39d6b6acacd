"""The rows that say what a score means: the ceiling and the floor."""

from typing import Any

from harness.leaderboard.eligibility import Terms
from harness.leaderboard.row import Role, Row
from harness.metrics.uncertainty.ceiling import Ceiling, Ceilings, share_of_ceiling
from harness.metrics.uncertainty.interval import Unavailable

#: In brackets: no submission's name can be taken for them by accident.
CEILING, FLOOR = "(ceiling)", "(floor)"


def ceiling_and_floor(terms: Terms) -> tuple[Row, Row]:
    """Return retraining's row and the original model's."""
    common: dict[str, Any] = {
        "n_models": terms.n_models,
        "role": Role.CONTROL,
        "track": terms.track.hash,
        "bank": terms.bank.key,
    }
    return _ceiling(terms.reference.ceilings, common), _floor(terms, common)


def _ceiling(tops: Ceilings, common: dict[str, Any]) -> Row:
    score, quality = tops.score, tops.forgetting_quality
    row: dict[str, Any] = {
        "submission": CEILING,
        "title": "Retrained against held-out retrained models",
    }
    if isinstance(score, Ceiling):
        row |= {
            "score": score.value,
            "score_low": score.interval.low,
            "score_high": score.interval.high,
            "share_of_ceiling": 1.0,
        }
    else:
        row["reason"] = score.reason
    if isinstance(quality, Ceiling):
        row["forgetting_quality"] = quality.value
    return Row(**row, **common)


def _floor(terms: Terms, common: dict[str, Any]) -> Row:
    reference = terms.reference
    quality, score = reference.floors
    share = None
    if score is not None:
        shared = share_of_ceiling(score, reference.ceilings.score)
        share = None if isinstance(shared, Unavailable) else shared
    return Row(
        submission=FLOOR,
        title="The original model, no unlearning",
        score=score,
        share_of_ceiling=share,
        forgetting_quality=quality,
        ra_ratio=_original_ratio(terms, "retain"),
        ta_ratio=_original_ratio(terms, "test"),
        **common,
    )


def _original_ratio(terms: Terms, of: str) -> float | None:
    retrained = float(terms.bank.accuracy(of)[: terms.n_models].mean())
    original = float(getattr(terms.bank.original.outputs, f"{of}_accuracy"))
    return original / retrained if retrained else None
