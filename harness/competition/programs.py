"""What a competition's worker runs: first a submission, then its rating.

A submission's runs are kept apart by our own sandbox, and the second program, which
alone decides on the scores, runs nothing of a stranger's.
"""

import html
from pathlib import Path

from harness.competition.setup import read_setup
from harness.errors import CheckFailed, UsageError
from harness.reference import find_bank
from harness.results.card import score_card
from harness.results.schema import Metrics, Result
from harness.results.store import RESULT, ResultFolder, read_examples
from harness.run.checkpoints import holds_checkpoints
from harness.run.entry import find_entries
from harness.run.source import NOTEBOOK
from harness.scoring.originals import measure_runs
from harness.scoring.reference import Reference
from harness.scoring.scorer import Scorer
from harness.scoring.settings import Listener
from harness.storage.files import to_json, write_atomic
from harness.tasks.registry import find_task

SCORES, DETAILS = "scores.json", "detailed_results.html"


def ingest(data: Path, submission: Path, output: Path, listener: Listener) -> Result:
    """Score what a participant has sent, and leave the result for `rate`.

    Parameters
    ----------
    data, submission, output : Path
        Folders: of the phase, of the unpacked submission, and for the result.
    listener : Listener
        Told of progress.

    Raises
    ------
    UsageError
        If it is not one submission, or nothing keeps runs apart here.
    """
    setup = read_setup(data)
    path = sent_submission(submission)
    settings = setup.settings(data, output)
    with Scorer(settings, listener, setup.sandbox()) as scorer:
        return scorer.score(path)


def sent_submission(folder: Path) -> Path:
    """Find the one submission in a folder: a file, a notebook, or the folder itself."""
    found = sorted(folder.glob(f"[!_.]*{NOTEBOOK}"))
    if not found or any(folder.glob("[!_.]*.py")):
        found = find_entries([folder])
    if len(found) != 1:
        raise UsageError(
            f"{len(found)} submissions were sent; send one .py file or notebook, or "
            "submission.py with the modules beside it."
        )
    if holds_checkpoints(found[0]):
        raise UsageError(
            "checkpoints were sent, and what they cost is unknown; send the function "
            "that makes them."
        )
    return found[0]


def rate(reference: Path, received: Path, output: Path) -> dict[str, float]:
    """Compute the scores of what `ingest` left, from the stored outputs of its models.

    Parameters
    ----------
    reference, received, output : Path
        Folders: of the phase, of what `ingest` wrote, and for the scores.

    Returns
    -------
    dict
        What is written to ``scores.json``, by the columns' keys.

    Raises
    ------
    CheckFailed
        If the result is damaged, of another phase, or has no score.
    """
    setup = read_setup(reference)
    settings = setup.settings(reference, output)
    bank = find_bank(find_task(settings.track), at_least=setup.n_models)
    folder = _only_result(received)
    folder.check()
    result = folder.read()
    write_atomic(output / DETAILS, _page(result))
    made = result.provenance
    wanted = (settings.track.hash, bank.key, setup.n_models)
    if (made.track_hash, made.bank_key, result.n_models) != wanted:
        raise CheckFailed("the result is of another phase; run the submission again.")
    if not result.is_ranked:
        why = result.reason or "what it costs is unknown."
        raise CheckFailed(f"not scored: {result.status}: {why}")
    delta = settings.track.evaluation.delta
    of_bank = Reference.of_bank(bank, setup.n_models, delta)
    metrics = measure_runs(read_examples(folder.path), of_bank).metrics()
    scores = _scores(metrics, result)
    write_atomic(output / SCORES, to_json(scores))
    return scores


def _only_result(received: Path) -> ResultFolder:
    found = sorted(received.glob(f"*/*/*/{RESULT}"))
    if len(found) != 1:
        raise CheckFailed(f"there are {len(found)} results where there should be one.")
    return ResultFolder(found[0].parent)


def _scores(metrics: Metrics, result: Result) -> dict[str, float]:
    cost = result.metrics.efficiency
    found = {
        "score": metrics.ranked_score,
        "official_score": metrics.score,
        "forgetting_quality": metrics.forgetting_quality,
        "retain_accuracy": metrics.retain_accuracy,
        "test_accuracy": metrics.test_accuracy,
    }
    values = {name: each.value for name, each in found.items() if each is not None}
    return {**values, "cost": (cost and cost.ratio) or 0.0}


def _page(result: Result) -> str:
    card = html.escape(score_card(result))
    return f'<!doctype html><meta charset="utf-8"><pre>{card}</pre>\n'
