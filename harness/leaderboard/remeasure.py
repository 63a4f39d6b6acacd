"""Measure a board's results again where the metrics have changed since."""

from dataclasses import replace

from harness.errors import CheckFailed
from harness.leaderboard.board import Board
from harness.leaderboard.eligibility import Eligibility
from harness.leaderboard.evidence import gather
from harness.leaderboard.stored import StoredResult, read_one
from harness.metrics import METRICS_VERSION
from harness.reference.parallel import Counter
from harness.results.schema import Result


def remeasure_outdated(
    board: Board, eligibility: Eligibility, n_jobs: int, counter: Counter | None = None
) -> list[StoredResult]:
    """Compute the figures of older metrics again, from the stored arrays, and write.

    No run is made. Returns the results that were written; those that do not belong
    there for another reason stay what they are.
    """
    outdated = [
        stored
        for stored in _readable(board)
        if stored.result.provenance.metrics_version < METRICS_VERSION
        and not eligibility.refusal(_as_of_today(stored.result))
    ]
    evidence = gather(
        outdated, eligibility, n_jobs=n_jobs, everything=True, counter=counter
    )
    for stored in outdated:
        board.write_result(stored, _as_of_today(evidence[stored.path].result))
    return outdated


def _readable(board: Board) -> list[StoredResult]:
    found = []
    for path in board.replicates():
        try:
            found.append(read_one(path))
        except CheckFailed:
            # An update says so, unless it writes that one anyway.
            continue
    return found


def _as_of_today(result: Result) -> Result:
    made = replace(result.provenance, metrics_version=METRICS_VERSION)
    return replace(result, provenance=made)
