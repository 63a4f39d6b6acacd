"""The rows that say what a score means: the ceiling and the floor."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.leaderboard.columns import Role, Row
from harness.leaderboard.eligibility import Eligibility
from harness.metrics.uncertainty.ceiling import Ceiling, share_of_ceiling
from harness.metrics.uncertainty.interval import Unavailable
from harness.scoring.reference import Reference

#: In brackets: no submission's name can be taken for them by accident.
CEILING, FLOOR = "(ceiling)", "(floor)"


#: Columns of the official numbers, and of the calibrated ones in the same order.
_OFFICIAL = (
    "score",
    "score_low",
    "score_high",
    "share_of_ceiling",
    "forgetting_quality",
)
_CALIBRATED = (
    "calibrated_score",
    "calibrated_low",
    "calibrated_high",
    "calibrated_share",
    "calibrated_forgetting_quality",
)
#: Values of columns; Any, for they go to `replace` beside texts.
_Values = Mapping[str, Any]


def ceiling_and_floor(eligibility: Eligibility) -> tuple[Row, Row]:
    """Return retraining's row and the original models'."""
    common = Row(
        n_models=eligibility.n_models,
        originals=eligibility.track.evaluation.originals,
        role=Role.CONTROL,
        track=eligibility.track.hash,
        bank=eligibility.bank.key,
    )
    official = eligibility.reference
    kinds = [(_OFFICIAL, official), (_CALIBRATED, official.calibrated)]
    known = [(names, each) for names, each in kinds if each is not None]
    top = official.ceilings.score
    ceiling = replace(
        common,
        submission=CEILING,
        title="Retrained against held-out retrained models",
        reason=top.reason if isinstance(top, Unavailable) else "",
        **{n: v for names, each in known for n, v in _ceiling(names, each).items()},
    )
    floor = replace(
        common,
        submission=FLOOR,
        title="The original models, no unlearning",
        ra_ratio=_original_ratio(eligibility, "retain"),
        ta_ratio=_original_ratio(eligibility, "test"),
        **{n: v for names, each in known for n, v in _floor(names, each).items()},
    )
    return ceiling, floor


def _ceiling(names: Sequence[str], reference: Reference) -> _Values:
    score = reference.ceilings.score
    quality = reference.ceilings.forgetting_quality
    values: list[float | None] = [None] * 4
    if isinstance(score, Ceiling):
        values = [score.value, score.interval.low, score.interval.high, 1.0]
    f = quality.value if isinstance(quality, Ceiling) else None
    return dict(zip(names, [*values, f], strict=True))


def _floor(names: Sequence[str], reference: Reference) -> _Values:
    quality, score = reference.floors
    share = None
    if score is not None:
        shared = share_of_ceiling(score, reference.ceilings.score)
        share = None if isinstance(shared, Unavailable) else shared
    return dict(zip(names, [score, None, None, share, quality], strict=True))


def _original_ratio(eligibility: Eligibility, of: str) -> float | None:
    bank = eligibility.bank
    retrained = float(eligibility.reference.retrained.accuracy(of).mean())
    original = float(bank.original.accuracy(of).mean())
    return original / retrained if retrained else None
