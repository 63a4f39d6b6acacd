"""Compare two stored results on the same examples, against the same bank."""

from harness.errors import UsageError
from harness.metrics.uncertainty.paired import PairedDifference, paired_difference
from harness.reference import find_bank_of_results
from harness.results.schema import Result
from harness.results.store import ResultFolder, read_examples
from harness.scoring.sides import bank_side, unlearned_side

_SEED = 2023
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
    results = [_read(folder) for folder in (first, second)]
    _check_common(*results)
    a, b = results
    track, key = str(a.provenance["track"]), str(a.provenance["bank_key"])
    bank = find_bank_of_results(track, key, a.n_models)
    ours, theirs = (unlearned_side(read_examples(f.path)) for f in (first, second))
    retrained = bank_side(bank).first(a.n_models)
    difference = paired_difference(ours, theirs, retrained, seed=_SEED)
    return difference, (a.name, b.name)


def _read(folder: ResultFolder) -> Result:
    folder.check()
    result = folder.read_result()
    if result is None or "score" not in result.metrics:
        raise UsageError(
            f"{folder.path} holds no complete result; score the submission again."
        )
    return result


def _check_common(first: Result, second: Result) -> None:
    for key, words in _COMMON.items():
        ours, theirs = first.provenance.get(key), second.provenance.get(key)
        if ours != theirs:
            raise UsageError(
                f"{first.name} and {second.name} cannot be compared: the {words} of "
                f"one is {ours} and of the other {theirs}."
            )
    if first.n_models != second.n_models:
        raise UsageError(
            f"{first.name} has N = {first.n_models} and {second.name} "
            f"N = {second.n_models}; F at different N cannot be compared. Score both "
            "with the same --n-models."
        )
