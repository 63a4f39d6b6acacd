"""Is A better than B? The paired difference of two results, and what it would take."""

from dataclasses import dataclass

from scipy.special import stdtr

from harness.errors import UsageError
from harness.metrics.uncertainty.interval import Examples, check_examples, student_reach
from harness.metrics.uncertainty.paired_noise import models_needed, paired_noise
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.models.outputs import ModelOutputs

ALPHA = 0.05
"""Chance of calling equal methods different."""


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
        95 % interval over new models of all three, new originals where there are
        several, and, where drawn, examples.
    p_value : float
        Two-sided, of no difference.
    n_models : int
        N of either submission, of each original.
    models_needed : int or None
        About how many models would separate the two, were the difference what it
        seems; None when they are separable already, or when no realistic number would.
    examples : {"fixed", "drawn"}
        Whether the answer is for these forget examples, or for others like them too.
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
    examples: Examples = "fixed"

    @property
    def separable(self) -> bool:
        """Whether the difference is significant at 5 %."""
        return self.p_value < ALPHA

    @property
    def p_words(self) -> str:
        """The p-value, of which small ones are not known to the digit."""
        return "p < 0.001" if self.p_value < 0.001 else f"p = {self.p_value:.3g}"

    def headline(self, name_a: str, name_b: str) -> str:
        """Say in words which is better, without figures."""
        if not self.separable:
            return f"{name_a} and {name_b} cannot be told apart at N = {self.n_models}"
        first, second = (name_a, name_b) if self.difference > 0 else (name_b, name_a)
        return f"{first} is better than {second}"

    def verdict(self, name_a: str, name_b: str) -> str:
        """Say in words which is better, or what it would take to know."""
        low, high = self.low, self.high
        ahead, behind = name_a, name_b
        if self.difference < 0:
            low, high = -high, -low
            ahead, behind = name_b, name_a
        figures = (
            f"difference in {self.quantity} {abs(self.difference):.4f}, "
            f"95 % interval {low:.4f} to {high:.4f}"
        )
        if self.separable:
            return f"{ahead} is better than {behind} ({figures})"
        if self.models_needed is None:
            remedy = "more models alone would not separate them"
        else:
            remedy = f"about N = {self.models_needed} would do"
        return f"not separable at N = {self.n_models} ({figures}); {remedy}"


def paired_difference(
    first: ModelOutputs,
    second: ModelOutputs,
    bank: ModelOutputs,
    *,
    seed: int,
    examples: Examples = "fixed",
) -> PairedDifference:
    """Compare two results on the same examples against the same retrained models.

    Scores both and their halves first, which takes nearly all of the time; of many
    results, score each once and call `difference_of` for each pair.

    Parameters
    ----------
    first, second : ModelOutputs
        A and B, of the same number of models, with accuracies or without. Where they
        say which original each was made from, A's and B's are paired in that order.
    bank : ModelOutputs
        The retrained models both were compared with.
    seed : int
        Decides the divisions of the models.
    examples : {"fixed", "drawn"}, default "fixed"
        See `difference_of`.

    Raises
    ------
    UsageError
        Fewer than 4 models, different numbers of models or examples, or accuracies of
        only some.
    """
    _check_fit(first, second, bank)
    ours, theirs = (
        ScoredSubmission.of(each, bank, seed=seed) for each in (first, second)
    )
    return difference_of(ours, theirs, examples=examples)


def _check_fit(first: ModelOutputs, second: ModelOutputs, bank: ModelOutputs) -> None:
    if len(first) != len(second):
        raise UsageError(
            f"A has {len(first)} models and B {len(second)}; "
            "F is not comparable between different N."
        )
    examples = [each.n_examples for each in (first, second, bank)]
    if len(set(examples)) > 1:
        raise UsageError(
            f"A, B and the bank cover {examples[0]}, {examples[1]} and {examples[2]} "
            "examples; give all three on the same forget set."
        )
    if first.has_accuracies != second.has_accuracies:
        raise UsageError("Only one of A and B has accuracies; give both or neither.")


def difference_of(
    first: ScoredSubmission, second: ScoredSubmission, *, examples: Examples = "fixed"
) -> PairedDifference:
    """Compare two submissions that were scored already, in about a millisecond.

    The scatter is that of `paired_noise`, with Student's t for as many degrees of
    freedom as there are models of the fewest, less one, or with the fewer of
    `quality_variance.spread_degrees` where examples are drawn, and fewer still where
    several originals differ (`originals`).

    Parameters
    ----------
    first, second : ScoredSubmission
        A and B, scored with the same seed against the same retrained models.
    examples : {"fixed", "drawn"}, default "fixed"
        "fixed" asks which method is better on this forget set, over new models of all
        three; "drawn" asks which is better on forget examples of this kind, over
        new models and new examples. The second is what a ranking of methods means, and
        the harder question: its interval is never narrower.

    Raises
    ------
    UsageError
        Submissions not scored alike, or one example where they are to be drawn.
    """
    check_examples(examples)
    first.check(second)
    fewest = min(first.n_fewest, second.n_fewest)
    if examples == "drawn" and first.earned.shape[1] < 2:
        raise UsageError(
            "There is 1 example, which says nothing of others; give at least 2, or "
            "compare with examples='fixed'."
        )
    noise = paired_noise(first, second)
    apart = (first.earned - second.earned).mean(axis=0)
    spread, degrees = noise.spread(examples, apart, fewest - 1.0)
    difference = first.value - second.value
    reach = student_reach(degrees) * spread
    p_value = _p_value(difference, spread, degrees)
    needed = None
    if p_value >= ALPHA:
        needed = models_needed(difference, noise, fewest, examples)
    return PairedDifference(
        quantity=first.quantity,
        first=first.value,
        second=second.value,
        difference=difference,
        low=difference - reach,
        high=difference + reach,
        p_value=p_value,
        n_models=first.n_models,
        models_needed=needed,
        examples=examples,
    )


def _p_value(difference: float, spread: float, degrees: float) -> float:
    """Return the two-sided p-value; without scatter any difference is certain."""
    if spread == 0.0:
        return 1.0 if difference == 0.0 else 0.0
    return float(2 * stdtr(degrees, -abs(difference) / spread))
