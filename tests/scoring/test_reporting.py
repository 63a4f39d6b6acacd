"""What a report gathers from a stored result: the figures that rank."""

import numpy as np
import pytest

from harness.results.store import ResultFolder
from harness.scoring.reporting import measure_folder
from harness.storage.shipped import shipped_submissions

NOWHERE = np.zeros(0, dtype=np.int64)


def test_f_against_n_is_that_of_the_score_that_ranks():
    board = shipped_submissions() / "leaderboard" / "austen-quick"
    folder = ResultFolder(board / "whp" / "seed-0")
    metrics = folder.read().metrics

    found = measure_folder(folder, (NOWHERE, NOWHERE), compared=False)

    rows = found.material.precision
    assert [row.n_models for row in rows] == [8, 16, 32, 64]
    quality = metrics.calibrated_forgetting_quality
    ends = (quality.value, quality.low, quality.high)
    assert (rows[-1].mean, rows[-1].low, rows[-1].high) == pytest.approx(ends)
    assert rows[-1].mean < metrics.precision[-1].mean  # The official F.
