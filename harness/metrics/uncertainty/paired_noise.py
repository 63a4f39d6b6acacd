"""How much the difference of two results would move if all were drawn afresh.

Two disjoint halves of A's, of B's and of the bank's models are two independent
comparisons of half the size, whatever the distribution. Both methods meet the *same*
half of the bank, so that what the bank does to both cancels. Squared differences
between the two, at N / 2 and N / 4, give the variance of the difference at N, as they
do for F itself; `official_interval` says why there is no bootstrap.

With new examples. Let ``d_s = m(x_s) + e_s + g`` be what example s adds to the
difference ``D = mean(d_s)`` of S examples drawn at random: a true difference m, the
example's own noise e of the models, and the noise g that the models give all examples
alike. Then ``Var D = (Var m + Var e) / S + Var g``. The first term is what the scatter
of the S values d_s themselves shows, own noise included, so that only the shared noise
is added to it, not the own noise once more.

With several originals ``D`` is the mean of a difference on each, and by how much these
scatter says what other originals would add (`originals`): little where A and B meet the
same ones, for what an original does to both cancels.

``scripts/simulate_paired.py`` holds this to known truths (Gaussian, heavy-tailed and
bimodal confidences, 60 examples). With 300 benchmarks each, nominal 95 % intervals for
fixed examples held the mean difference in 93.7 to 98.3 %, N = 32 and 64, and called
equal methods different in 2.0 to 5.0 %. With examples drawn it was 95.7 to 96.7 % and
2.7 to 4.7 % at N = 32, and 94.7 to 98.7 % and 3.3 to 4.0 % of 150 benchmarks each at
N = 64.
"""

import math

from harness.metrics.uncertainty.interval import Examples, student_reach
from harness.metrics.uncertainty.originals import OriginalsNoise
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.metrics.uncertainty.scoring_noise import LEAST_QUARTERED

MOST_MODELS = 100_000
"""Beyond this many models no number is named."""


def paired_noise(first: ScoredSubmission, second: ScoredSubmission) -> OriginalsNoise:
    """Return the variance of the difference between A and B, original by original.

    Below 8 models there are no quarters, and the halves speak for them.
    """
    divisions = zip(first.divisions, second.divisions, strict=True)
    return OriginalsNoise.of(
        first.earned - second.earned,
        [ours - theirs for ours, theirs in divisions],
        min(first.n_fewest, second.n_fewest),
        outliers=first.outliers or second.outliers,
    )


def models_needed(
    difference: float,
    noise: OriginalsNoise,
    n_models: int,
    examples: Examples = "fixed",
) -> int | None:
    """Return about how many models would show a difference, were it to stay what it is.

    More than `n_models`, where the noise was found, and rounded up to two digits; None
    when no number of models would, because each example's own noise, the choice of
    examples, or that of the originals, does not fall.
    """
    if difference == 0.0:
        return None
    half, full = noise.half, noise.full
    falls = min(max(full.own / half.own, 0.5), 1.0) if half.own > 0 else 1.0
    between = full.between if examples == "drawn" else 0.0
    for step in range(math.floor(8 * math.log2(MOST_MODELS)) + 1):
        needed = max(LEAST_QUARTERED, round(2 ** (step / 8)))
        own = full.own * math.pow(falls, math.log2(needed / n_models))
        variance = own + full.shared * n_models / needed + between + noise.excess
        degrees = noise.degrees(variance, needed - 1)
        if student_reach(degrees) * math.sqrt(variance) <= abs(difference):
            break
    else:
        return None
    needed = max(needed, n_models + 1)
    unit = int(10 ** max(0, int(math.log10(needed)) - 1))
    return math.ceil(needed / unit) * unit
