"""The rows that say what a score means: the ceiling and the floor."""

from dataclasses import replace

from harness.leaderboard.columns import Role, Row
from harness.leaderboard.eligibility import Eligibility
from harness.metrics.uncertainty.ceiling import Ceiling, Ceilings, share_of_ceiling
from harness.metrics.uncertainty.interval import Unavailable

#: In brackets: no submission's name can be taken for them by accident.
CEILING, FLOOR = "(ceiling)", "(floor)"


def ceiling_and_floor(eligibility: Eligibility) -> tuple[Row, Row]:
    """Return retraining's row and the original model's."""
    common = Row(
        n_models=eligibility.n_models,
        role=Role.CONTROL,
        track=eligibility.track.hash,
        bank=eligibility.bank.key,
    )
    tops = eligibility.reference.ceilings
    return _ceiling(tops, common), _floor(eligibility, common)


def _ceiling(tops: Ceilings, common: Row) -> Row:
    score, quality = tops.score, tops.forgetting_quality
    row = replace(
        common,
        submission=CEILING,
        title="Retrained against held-out retrained models",
        forgetting_quality=quality.value if isinstance(quality, Ceiling) else None,
    )
    if isinstance(score, Unavailable):
        return replace(row, reason=score.reason)
    return replace(
        row,
        score=score.value,
        score_low=score.interval.low,
        score_high=score.interval.high,
        share_of_ceiling=1.0,
    )


def _floor(eligibility: Eligibility, common: Row) -> Row:
    reference = eligibility.reference
    quality, score = reference.floors
    share = None
    if score is not None:
        shared = share_of_ceiling(score, reference.ceilings.score)
        share = None if isinstance(shared, Unavailable) else shared
    return replace(
        common,
        submission=FLOOR,
        title="The original model, no unlearning",
        score=score,
        share_of_ceiling=share,
        forgetting_quality=quality,
        ra_ratio=_original_ratio(eligibility, "retain"),
        ta_ratio=_original_ratio(eligibility, "test"),
    )


def _original_ratio(eligibility: Eligibility, of: str) -> float | None:
    bank = eligibility.bank
    retrained = float(eligibility.reference.retrained.accuracy(of).mean())
    original = float(bank.original.accuracy(of).mean())
    return original / retrained if retrained else None
