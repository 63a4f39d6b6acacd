"""Compare two stored results on the same examples, against the same bank."""

from harness.errors import UsageError
from harness.metrics.uncertainty.paired import PairedDifference, paired_difference
from harness.models.records import stack
from harness.reference import find_bank_of_results
from harness.results.schema import Result
from harness.results.store import ResultFolder, read_examples
from harness.scoring.reference import SEED

#: What two results must have in common, and what it is called.
_COMMON = {
    "track_hash": "track",
    "split_seed": "split",
    "bank_key": "reference bank",
    "data_hash": "data",
}


def compare_results(
    first: ResultFolder, second: ResultFolder
) -> tuple[PairedDifference, tuple[str, str]]:
    """Return the paired difference of two results, and their names.

    Raises
    ------
    UsageError
        If they are of different tracks, splits, banks or N.
    CheckFailed
        If a stored file has changed.
    """
    a, b = _read(first), _read(second)
    _check_common(a, b)
    made = a.provenance
    bank = find_bank_of_results(made.track, made.bank_key, a.n_models)
    ours, theirs = (stack(read_examples(f.path)) for f in (first, second))
    retrained = bank.retrained.first(a.n_models)
    difference = paired_difference(ours, theirs, retrained, seed=SEED)
    return difference, (a.name, b.name)


def _read(folder: ResultFolder) -> Result:
    folder.check()
    result = folder.read()
    if not result.is_complete:
        raise UsageError(
            f"{folder.path} holds no complete result; score the submission again."
        )
    return result


def _check_common(first: Result, second: Result) -> None:
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
    if first.n_models != second.n_models:
        raise UsageError(
            f"{first.name} has N = {first.n_models} and {second.name} "
            f"N = {second.n_models}; F at different N cannot be compared. Score both "
            "with the same --n-models."
        )
