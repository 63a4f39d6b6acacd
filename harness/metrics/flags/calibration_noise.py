"""F of the official confidences against F of calibrated ones.

Whoever holds a model can rescale and shift its logits as he likes, so randomness there
hides nothing from him; but the official attacker, who sees one confidence an example,
is blinded by it. Both scores are of the same runs, and what these do to both cancels.
"""

import math

from harness.metrics.flags.flag import Flag, FlagCode
from harness.metrics.uncertainty.interval import student_reach
from harness.metrics.uncertainty.paired_noise import paired_noise
from harness.metrics.uncertainty.scored_submission import ScoredSubmission

LEAST_MODELS = 16
"""Fewest models a side; with fewer the interval is too wide to say anything."""

LEAST_SHARE = 0.25
"""Share of the official number that calibration must take away, beyond the usual."""

LEAST_LOSS = 0.01
"""The least that it must take away; below this nobody gains anything by it."""


def calibration_noise_flag(
    official: ScoredSubmission, calibrated: ScoredSubmission, kept: float = 1.0
) -> Flag | None:
    """Flag a result whose F, or score, calibration takes much of.

    Both are of the same models, scored with the same seed. The official rules are not
    the same at every scale of the confidences, so that retraining itself may lose a
    little; `kept` is the share that it keeps, and only what is lost beyond that counts.
    The paired 95 % interval of this loss must lie above `LEAST_SHARE`.
    """
    if official.n_fewest < LEAST_MODELS:
        return None
    before = kept * official.value
    lost, least = before - calibrated.value, LEAST_SHARE * before
    spread = math.sqrt(paired_noise(official, calibrated).full.variance("fixed"))
    low = lost - student_reach(official.n_fewest - 1) * spread
    if lost < LEAST_LOSS or low < least:
        return None
    name = official.quantity
    return Flag(
        FlagCode.CALIBRATION_NOISE,
        f"Calibrating each model leaves {calibrated.value:.4f} of the official {name}, "
        f"{official.value:.4f} ({kept:.0%} for retraining): the rest is randomness of "
        "the last layer, which anybody who holds the model removes.",
        {
            "official": official.value,
            "calibrated": calibrated.value,
            "kept_by_retraining": kept,
        },
    )
