"""When fewer models say enough: looks at growing N, and two rules that end a scoring.

Each look is a scoring at its own N, as ``--n-models`` would make it, and takes over the
runs of the looks before. F at different N cannot be compared, so a result that stopped
early is one of its N.

A precision is held against the width of the interval, which says little about the
value that it lies around: ``scripts/simulate_stopping.py`` holds the coverage to known
truths. A comparison looks at the difference itself as often as there are looks, so that
each may err with an equal share of `ALPHA` (Bonferroni).
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.metrics.uncertainty.paired import ALPHA
from harness.results.lookup import find_result
from harness.results.schema import Number, Result
from harness.results.store import ResultFolder
from harness.run.entry import read_entry
from harness.scoring.compare import compare_results
from harness.status import Status

if TYPE_CHECKING:
    from harness.scoring.scorer import Scorer

#: Fewest models of a look; with fewer an interval says nothing worth a stop.
LEAST_MODELS = 16
#: Whether a result, in its folder, says enough.
Stop = Callable[[Result, ResultFolder], bool]


def looks(n_models: int) -> list[int]:
    """List N and its halves down to 16, the smallest first."""
    sizes = [n_models]
    while sizes[0] // 2 >= LEAST_MODELS:
        sizes.insert(0, sizes[0] // 2)
    return sizes


def score_until(scorer: "Scorer", path: Path, stop: Stop) -> Result:
    """Score a submission with growing N until a result says enough, N at most."""
    whole = scorer.settings
    try:
        for n_models in looks(whole.n_models):
            scorer.use(replace(whole, n_models=n_models))
            result = scorer.score(path)
            folder = scorer.folder_of(read_entry(path, n_models, scorer.spec))
            if result.status != Status.SCORED or stop(result, folder):
                break
    finally:
        scorer.use(whole)
    return result


def precise(relative: float) -> Stop:
    """Stop when the interval of the ranked score reaches so far around it, or less.

    Raises
    ------
    UsageError
        If `relative` is not in (0, 1).
    """
    if not 0 < relative < 1:
        raise UsageError(
            f"--precision {relative:g} is not in (0, 1); .1 asks for an interval that "
            "reaches 10 % of the score up and down."
        )
    return lambda result, _: half_width(result.metrics.ranked_score) <= relative


def half_width(score: Number | None) -> float:
    """Return how far an interval reaches, as a share of the value; infinite without."""
    if score is None or score.low is None or score.high is None or not score.value:
        return float("inf")
    return (score.high - score.low) / 2 / score.value


def separable_from(name: str, output: Path, track: str, n_models: int) -> Stop:
    """Stop when a submission can be told from a stored result.

    Raises
    ------
    UsageError
        If there is no such result.
    """
    other = find_result(name, output, track)
    alpha = ALPHA / len(looks(n_models))

    def stop(result: Result, folder: ResultFolder) -> bool:
        found = compare_results(folder, other, n_models=result.n_models)
        return found.ranked.p_value < alpha

    return stop
