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
"""Share of the official number that calibration must take away."""

LEAST_LOSS = 0.01
"""The least that it must take away; below this nobody gains anything by it."""


def calibration_noise_flag(
    official: ScoredSubmission, calibrated: ScoredSubmission
) -> Flag | None:
    """Flag a result whose F, or score, calibration takes much of.

    Both are of the same models, scored with the same seed. The paired 95 % interval of
    the difference must lie above `LEAST_SHARE` of the official number.
    """
    if official.n_fewest < LEAST_MODELS:
        return None
    lost, least = official.value - calibrated.value, LEAST_SHARE * official.value
    spread = math.sqrt(paired_noise(official, calibrated).full.variance("fixed"))
    low = lost - student_reach(official.n_fewest - 1) * spread
    if lost < LEAST_LOSS or low < least:
        return None
    name = official.quantity
    return Flag(
        FlagCode.CALIBRATION_NOISE,
        f"Calibrating each model takes {lost / official.value:.0%} of the official "
        f"{name}, {official.value:.4f}, and leaves {calibrated.value:.4f}: the rest is "
        "noise that anybody who holds the model removes.",
        {"official": official.value, "calibrated": calibrated.value, "low": low},
    )
