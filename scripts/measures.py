"""Every number of stored results in one shape: value, interval, what is better."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from harness.metrics.literature.metric_value import Direction, MetricValue
from harness.metrics.official.diagnosis import Diagnosis
from harness.results.schema import Accuracy, Efficiency, Epsilon, Number, Result
from harness.results.store import RESULT, ResultFolder
from harness.status import Status
from harness.track import find_track
from scripts.tune_baselines import CONTROLS

CALIBRATED, CALIBRATED_QUALITY = "calibrated score", "calibrated F"
SCORE, QUALITY = "official score", "official F"
SPREAD, SHIFT = "spread", "shift"

#: Fields of a result that are no list entry: their name here, and their direction.
OFFICIAL = {
    "calibrated_score": (CALIBRATED, Direction.HIGHER),
    "calibrated_forgetting_quality": (CALIBRATED_QUALITY, Direction.HIGHER),
    "score": (SCORE, Direction.HIGHER),
    "forgetting_quality": (QUALITY, Direction.HIGHER),
    "retain_accuracy": ("RA", Direction.HIGHER),
    "test_accuracy": ("TA", Direction.HIGHER),
    "forget_accuracy": ("forget accuracy", Direction.NULL),
    "epsilon": ("median ε", Direction.LOWER),
    "efficiency": ("efficiency ratio", Direction.LOWER),
}


class Measure(NamedTuple):
    """A number with its interval.

    Attributes
    ----------
    value, low, high : float or None
        None where the result has none.
    direction : Direction
    at_best : float or None
        What retraining itself gets.
    low_repeated, high_repeated : float or None
        The ends for a second scoring, of score and F.
    """

    value: float | None
    low: float | None
    high: float | None
    direction: Direction
    at_best: float | None
    low_repeated: float | None = None
    high_repeated: float | None = None

    @property
    def goodness(self) -> float:
        """The value turned so that larger is better; NaN where there is none."""
        if self.value is None:
            return float("nan")
        if self.direction == Direction.NULL:
            ideal = float("nan") if self.at_best is None else self.at_best
            return -abs(self.value - ideal)
        return self.value if self.direction == Direction.HIGHER else -self.value


@dataclass(frozen=True)
class Row:
    """One complete result.

    Attributes
    ----------
    name : str
        Of the submission.
    is_control : bool
        Shown for comparison only.
    is_over_budget : bool
        Measured, but not ranked.
    setting : tuple
        Track, split seed, bank, N: what rows must share to be compared.
    seed : int
        Of the scoring.
    measures : dict of Measure
        By name; every row has the same.
    """

    name: str
    is_control: bool
    is_over_budget: bool
    setting: tuple[str, int, str, int]
    seed: int
    measures: dict[str, Measure]

    @property
    def score(self) -> Measure:
        """The score that ranks: calibrated, where there is one."""
        ranked = self.measures[CALIBRATED]
        return self.measures[SCORE] if ranked.value is None else ranked


def read_scorings(folders: Sequence[Path], track: str) -> list[list[Row]]:
    """Read the complete results of a track's own split, each scoring by itself.

    Parameters
    ----------
    folders : sequence of Path
        Looked through with all that is below them.
    track : str

    Returns
    -------
    list of lists of Row
        One list for each seed of scoring, in order; in each the best score first.

    Raises
    ------
    SystemExit
        If a scoring has fewer than three results, two of one submission, or results
        that cannot be compared with each other.
    """
    split_seed = find_track(track).data.split_seed
    found: dict[int, list[Row]] = {}
    for path in sorted({path for f in folders for path in f.rglob(RESULT)}):
        stored = ResultFolder(path.parent)
        result = stored.read_result()
        if result is not None and _is_wanted(result, track, split_seed):
            row = _row(result)
            found.setdefault(row.seed, []).append(row)
    if not found:
        places = ", ".join(map(str, folders))
        raise SystemExit(f"there is no complete result of {track} in {places}.")
    check_comparable([row for rows in found.values() for row in rows])
    return [_in_order(found[seed]) for seed in sorted(found)]


def _is_wanted(result: Result, track: str, split_seed: int) -> bool:
    about = result.provenance
    return (
        result.status in (Status.SCORED, Status.OVER_BUDGET)
        and result.is_complete
        and about.track == track
        and about.split_seed == split_seed
    )


def _in_order(rows: list[Row]) -> list[Row]:
    """Sort one scoring, best score first; see `read_scorings`."""
    names = [row.name for row in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SystemExit(
            f"there are several results of {', '.join(twice)} with seed "
            f"{rows[0].seed}; give folders with one of each."
        )
    if len(rows) < 3:
        raise SystemExit(
            f"there are {len(rows)} complete results with seed {rows[0].seed}; a "
            "ranking needs 3."
        )
    return sorted(rows, key=lambda row: (-row.score.goodness, row.name))


def check_comparable(rows: Sequence[Row]) -> None:
    """Refuse rows of different banks or N.

    Raises
    ------
    SystemExit
        Naming what there is.
    """
    settings = sorted({row.setting for row in rows})
    if len(settings) > 1:
        kinds = " and ".join(map(str, settings))
        raise SystemExit(
            "the results cannot be compared: track, split seed, bank and N are "
            f"{kinds}; give folders of one kind."
        )


def _row(result: Result) -> Row:
    about = result.provenance
    measures = {
        name: _official(getattr(result.metrics, key), direction)
        for key, (name, direction) in OFFICIAL.items()
    }
    measures |= {each.name: _listed(each) for each in result.metrics.metrics}
    return Row(
        name=result.name,
        is_control=result.is_reference or result.name in CONTROLS,
        is_over_budget=result.status == Status.OVER_BUDGET,
        setting=(
            about.track,
            about.split_seed,
            about.bank_key,
            result.n_models,
        ),
        seed=about.seed,
        measures=measures | _moments(result.metrics.diagnosis),
    )


def _official(
    field: Number | Accuracy | Epsilon | Efficiency | None, direction: Direction
) -> Measure:
    if field is None:
        return Measure(None, None, None, direction, None)
    if isinstance(field, Epsilon):
        return Measure(field.value, None, None, direction, None)
    if isinstance(field, Efficiency):
        return Measure(field.ratio, field.low, field.high, direction, 1.0)
    ends = field.low, field.high, direction, field.ceiling
    if isinstance(field, Accuracy):
        return Measure(field.value, *ends)
    return Measure(field.value, *ends, field.low_repeated, field.high_repeated)


def _listed(each: MetricValue) -> Measure:
    return Measure(each.value, each.low, each.high, each.direction, each.null)


def _moments(found: Diagnosis | None) -> dict[str, Measure]:
    """Tell how the calibrated confidences lie to the retrained models'."""
    spread, shift = (None, None) if found is None else (found.spread, found.shift)
    return {
        SPREAD: Measure(spread, None, None, Direction.NULL, 1.0),
        SHIFT: Measure(shift, None, None, Direction.LOWER, 0.0),
    }
