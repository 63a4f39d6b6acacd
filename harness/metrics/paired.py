"""Is A better than B? The paired difference of two results, and what it would take."""

from dataclasses import dataclass
from math import ceil, log10

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm
from scipy.stats import t as student

from harness.errors import UsageError
from harness.metrics.confidence import confidence_matrix
from harness.metrics.epsilon import epsilon
from harness.metrics.quality import forgetting_quality
from harness.metrics.utility import score

RESAMPLES = 40
"""Half samples drawn; their standard deviation is good to about 11 %."""

MOST_EXAMPLES = 1000
"""Examples a half sample is scored on; with more on file a random choice of them."""

LEVEL = 0.05
POWER = 0.8
"""`models_needed` would find a difference of this size in 80 % of the cases."""

MOST_MODELS = 100_000
"""Beyond this many models no number is named."""


@dataclass(frozen=True)
class Contender:
    """What N models of one submission (or of the bank) did.

    Attributes
    ----------
    confidences : ndarray, shape [N, S]
        On the forget set.
    retain, test : ndarray, shape [N], or None
        Accuracies of the same models; None to compare F alone.
    """

    confidences: NDArray[np.float64]
    retain: NDArray[np.float64] | None
    test: NDArray[np.float64] | None

    def half(self, examples: NDArray[np.intp], rng: np.random.Generator) -> "Contender":
        """Draw half the models with all that belongs to them, on some examples."""
        models = rng.permutation(len(self.confidences))[: len(self.confidences) // 2]
        return Contender(
            self.confidences[np.ix_(models, examples)],
            None if self.retain is None else self.retain[models],
            None if self.test is None else self.test[models],
        )


@dataclass(frozen=True)
class PairedDifference:
    """The difference of two results on the same examples and the same bank.

    Attributes
    ----------
    quantity : str
        "F", or "score" when accuracies were given.
    first, second : float
        The quantity of A and of B.
    difference : float
        A minus B.
    low, high : float
        95 % interval over new models of all three sides, for these forget examples.
    p_value : float
        Two-sided, of no difference.
    n_models : int
        N of either side.
    models_needed : int or None
        About how many models would separate the two, were the difference what it
        seems; None when they are separable already, or when no realistic number would.
    """

    quantity: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p_value: float
    n_models: int
    models_needed: int | None

    @property
    def separable(self) -> bool:
        """Whether the difference is significant at 5 %."""
        return self.p_value < LEVEL

    def verdict(self, name_a: str, name_b: str) -> str:
        """Say in words which is better, or what it would take to know."""
        figures = (
            f"difference in {self.quantity} {abs(self.difference):.4f}, "
            f"95 % interval {self._interval()}"
        )
        if self.separable:
            ahead, behind = (
                (name_a, name_b) if self.difference > 0 else (name_b, name_a)
            )
            return f"{ahead} is better than {behind} ({figures})"
        if self.models_needed is None:
            remedy = "no realistic number of models would separate them"
        else:
            remedy = f"about N = {self.models_needed} would do"
        return f"not separable at N = {self.n_models} ({figures}); {remedy}"

    def _interval(self) -> str:
        """Return the interval in the direction in which the difference is positive."""
        ends = (
            (self.low, self.high) if self.difference >= 0 else (-self.high, -self.low)
        )
        return f"{ends[0]:.4f} to {ends[1]:.4f}"


def contender(
    confidences: ArrayLike,
    retain: ArrayLike | None = None,
    test: ArrayLike | None = None,
) -> Contender:
    """Check one side's arrays.

    Parameters
    ----------
    confidences : array_like, shape [N, S]
    retain, test : array_like, shape [N], optional
        Both or neither.

    Raises
    ------
    UsageError
        Unusable confidences, fewer than 4 models, only one of the accuracies, or
        accuracies of another number of models.
    """
    matrix = confidence_matrix(confidences, "confidences")
    if len(matrix) < 4:
        raise UsageError(
            f"There are {len(matrix)} models; a comparison needs N ≥ 4, so that half "
            "of them still have a spread."
        )
    if (retain is None) != (test is None):
        raise UsageError("Give retain and test accuracies both, or neither.")
    if retain is None or test is None:
        return Contender(matrix, None, None)
    vectors = np.asarray(retain, np.float64), np.asarray(test, np.float64)
    if any(vector.shape != (len(matrix),) for vector in vectors):
        raise UsageError(
            f"The accuracies have shapes {vectors[0].shape} and {vectors[1].shape}; "
            f"give one for each of the {len(matrix)} models."
        )
    return Contender(matrix, *vectors)


def paired_difference(
    first: Contender, second: Contender, bank: Contender, *, seed: int
) -> PairedDifference:
    """Compare two results on the same examples against the same retrained models.

    The scatter comes from half samples: half of A's, half of B's and half of the
    bank's models, drawn without replacement, the *same* half of the bank for both, so
    that what the bank does to both cancels. The standard deviation of a half sample
    around the value of all is that of the whole (see
    `harness.metrics.half_sampling`). In simulation this covered 94 to 96 %; halving
    one side at a time and a grouped jackknife came out far too wide, because ε is a
    maximum. `scripts/simulate_certified.py` repeats it.

    The forget examples are those of both results and stay fixed: the answer is for
    this forget set.

    Parameters
    ----------
    first, second : Contender
        A and B, of the same number of models, with accuracies or without.
    bank : Contender
        The retrained models both were compared with.
    seed : int
        Decides the half samples.

    Raises
    ------
    UsageError
        Different numbers of models or examples, or accuracies of only some sides.
    """
    _check_alike(first, second, bank)
    n_models = len(first.confidences)
    values = [_value(side, bank, n_models) for side in (first, second)]
    difference = values[0] - values[1]
    spread = _spread(first, second, bank, np.random.default_rng(seed))
    reach = float(student.ppf(1 - LEVEL / 2, RESAMPLES - 1)) * spread
    p_value = _p_value(difference, spread)
    return PairedDifference(
        quantity="F" if first.retain is None else "score",
        first=values[0],
        second=values[1],
        difference=difference,
        low=difference - reach,
        high=difference + reach,
        p_value=p_value,
        n_models=n_models,
        models_needed=None
        if p_value < LEVEL
        else models_needed(difference, spread, n_models),
    )


def models_needed(difference: float, spread: float, n_models: int) -> int | None:
    """Return about how many models would show a difference of this size.

    ``N ((z_0.975 + z_0.8) spread / difference)²``, as the scatter falls with √N,
    rounded up to two digits. Rough: F itself depends on N.

    Parameters
    ----------
    difference : float
    spread : float
        Standard deviation of the difference at `n_models`.
    n_models : int

    Returns
    -------
    int or None
        None when it is beyond `MOST_MODELS`.
    """
    if difference == 0.0:
        return None
    reach = float(norm.ppf(1 - LEVEL / 2) + norm.ppf(POWER))
    needed = max(n_models * (reach * spread / difference) ** 2, n_models + 1.0)
    if needed > MOST_MODELS:
        return None
    unit = int(10 ** max(0, int(log10(needed)) - 1))
    return ceil(needed / unit) * unit


def _p_value(difference: float, spread: float) -> float:
    """Return the two-sided p-value; without scatter any difference is certain."""
    if spread == 0.0:
        return 1.0 if difference == 0.0 else 0.0
    return float(2 * student.sf(abs(difference) / spread, RESAMPLES - 1))


def _spread(
    first: Contender, second: Contender, bank: Contender, rng: np.random.Generator
) -> float:
    """Return the standard deviation of the difference over half samples."""
    n_models, examples = first.confidences.shape
    chosen = rng.permutation(examples)[:MOST_EXAMPLES]
    differences = []
    for _ in range(RESAMPLES):
        against = bank.half(chosen, rng)
        pair = [side.half(chosen, rng) for side in (first, second)]
        values = [_value(side, against, n_models) for side in pair]
        differences.append(values[0] - values[1])
    return float(np.std(differences, ddof=1))


def _value(side: Contender, bank: Contender, n_models: int) -> float:
    """Return F, or the score where there are accuracies.

    F is taken with the points for `n_models` even on a half, else the halves would be
    scored by another rule.
    """
    quality = forgetting_quality(
        epsilon(side.confidences, bank.confidences).epsilon, n_models
    )
    if side.retain is None or side.test is None:
        return quality
    if bank.retain is None or bank.test is None:
        raise UsageError("The bank lacks the accuracies that the results have.")
    return score(quality, side.retain, bank.retain, side.test, bank.test)


def _check_alike(first: Contender, second: Contender, bank: Contender) -> None:
    """Refuse sides that cannot be compared."""
    if len(first.confidences) != len(second.confidences):
        raise UsageError(
            f"A has {len(first.confidences)} models and B {len(second.confidences)}; "
            "F is not comparable between different N."
        )
    examples = [side.confidences.shape[1] for side in (first, second, bank)]
    if len(set(examples)) > 1:
        raise UsageError(
            f"A, B and the bank cover {examples[0]}, {examples[1]} and {examples[2]} "
            "examples; give all three on the same forget set."
        )
    if (first.retain is None) != (second.retain is None):
        raise UsageError("Only one of A and B has accuracies; give both or neither.")
