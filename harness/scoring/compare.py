"""Compare two stored results on the same examples, against the same bank."""

from dataclasses import replace
from typing import NamedTuple, Self

from harness.errors import UsageError
from harness.metrics.uncertainty.paired import PairedDifference, difference_of
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from harness.metrics.uncertainty.scoring_noise import LEAST_HALVED
from harness.reference import find_bank_of_results
from harness.reference.parallel import Counter, delayed, work_through
from harness.results.schema import Result
from harness.results.store import ResultFolder, read_examples
from harness.scoring.any_measurement import AnyMeasurement
from harness.scoring.originals import measure_runs
from harness.scoring.reference import Reference

#: What two results must have in common, and what it is called.
_COMMON = {
    "track_hash": "track",
    "split_seed": "split",
    "bank_key": "reference bank",
    "data_hash": "data",
}


class ComparedResults(NamedTuple):
    """The names of two results and their paired differences.

    `calibrated` is None where either has no calibrated confidences.
    """

    names: tuple[str, str]
    official: PairedDifference
    calibrated: PairedDifference | None

    @property
    def ranked(self) -> PairedDifference:
        """The difference that decides ranks: the calibrated one, where there is one."""
        return self.calibrated or self.official


def compare_results(
    first: ResultFolder,
    second: ResultFolder,
    *,
    n_models: int | None = None,
    counter: Counter | None = None,
) -> ComparedResults:
    """Return the paired differences of two results.

    With `n_models` only so many models of each original count, so that results of
    different N can be compared at the smaller one. A `counter` hears how many of the
    two are measured.

    Raises
    ------
    UsageError
        If they are of different tracks, splits, banks, numbers of originals or N.
    CheckFailed
        If a stored file has changed.
    """
    a, b = _read(first), _read(second)
    check_common(a, b, n_models)
    made, n_models = a.provenance, n_models or a.n_models
    bank = find_bank_of_results(made.track, made.bank_key, n_models)
    reference = Reference.of_bank(bank, n_models, made.delta)
    measure = delayed(_comparable)
    n_runs = n_models * made.originals
    tasks = [measure(folder, n_runs, reference) for folder in (first, second)]
    ours, theirs = work_through(tasks, 1, "results", counter)
    return ComparedResults((a.name, b.name), *ours.differences(theirs))


class Comparable(NamedTuple):
    """A measured result, ready to be compared with others in a millisecond each.

    None is what cannot be compared, for want of models or of calibrated confidences.
    """

    official: ScoredSubmission | None
    calibrated: ScoredSubmission | None

    @classmethod
    def of(cls, measurement: AnyMeasurement) -> Self:
        """Take it from a measurement."""
        calibrated = measurement.calibrated
        return cls(measurement.scored, calibrated.scored if calibrated else None)

    def differences(
        self, other: Self
    ) -> tuple[PairedDifference, PairedDifference | None]:
        """Compare by the official and by the calibrated score.

        Raises
        ------
        UsageError
            With too few models.
        """
        calibrated = None
        if self.calibrated is not None and other.calibrated is not None:
            difference = _difference(self.calibrated, other.calibrated)
            calibrated = replace(
                difference, quantity=f"calibrated {difference.quantity}"
            )
        return _difference(self.official, other.official), calibrated


def _comparable(folder: ResultFolder, n_runs: int, reference: Reference) -> Comparable:
    return Comparable.of(measure_runs(read_examples(folder.path)[:n_runs], reference))


def _difference(
    first: ScoredSubmission | None, second: ScoredSubmission | None
) -> PairedDifference:
    if first is None or second is None:
        raise UsageError(
            f"a comparison needs N ≥ {LEAST_HALVED}; score both with more models."
        )
    return difference_of(first, second)


def _read(folder: ResultFolder) -> Result:
    folder.check()
    result = folder.read()
    if not result.is_complete:
        raise UsageError(
            f"{folder.path} holds no complete result; score the submission again."
        )
    return result


def check_common(first: Result, second: Result, n_models: int | None = None) -> None:
    """Refuse two results that were not measured on the same; see `compare_results`."""
    for key, words in _COMMON.items():
        ours, theirs = (getattr(each.provenance, key) for each in (first, second))
        if ours != theirs:
            raise UsageError(
                f"{first.name} and {second.name} cannot be compared: the {words} of "
                f"one is {ours} and of the other {theirs}."
            )
    ours, theirs = first.provenance.originals, second.provenance.originals
    if ours != theirs:
        raise UsageError(
            f"{first.name} was scored on {ours} original models and {second.name} on "
            f"{theirs}; score both with the same --originals."
        )
    if n_models is None and first.n_models != second.n_models:
        raise UsageError(
            f"{first.name} has N = {first.n_models} and {second.name} "
            f"N = {second.n_models}; F at different N cannot be compared. Score both "
            "with the same --n-models."
        )
