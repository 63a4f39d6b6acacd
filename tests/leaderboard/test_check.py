"""The check: every edit by hand is found, and told with its place."""

import dataclasses
import json
import shutil
from importlib.metadata import EntryPoint

import pytest

from harness.errors import CheckFailed, UsageError
from harness.leaderboard import evidence
from harness.leaderboard.check import check_board, drift_error
from harness.leaderboard.evidence import evidence_of
from harness.leaderboard.stored import StoredResult
from harness.leaderboard.table import update_board
from harness.metrics.literature import registry
from harness.metrics.literature.metric_value import Direction, MetricValue
from harness.results.store import ResultFolder
from tests.leaderboard.conftest import Drawer, N, drawn_runs


@pytest.fixture
def full(four, board, request_of):
    """A board with ranked, control and unranked rows."""
    four.failed("broken")
    four("slow", 0.0, cost=8.0)
    update_board(board, request_of())
    return board


def drift(board, request_of):
    return [str(each) for each in check_board(board, request_of()).differences]


def test_an_untouched_board_passes(full, request_of):
    check = check_board(full, request_of())
    assert check.ok
    assert (check.rows, check.results) == (8, 9)
    assert check.figures > 1000


def test_two_processes_find_what_one_finds(full, request_of, monkeypatch):
    monkeypatch.setattr(evidence, "evidence_of", evidence_of)
    one = request_of()
    two = dataclasses.replace(one, n_jobs=2)
    assert check_board(full, two) == check_board(full, one)


def cell_of(board, column, name="good"):
    header, *rows = (line.split(",") for line in board.csv.read_text().splitlines())
    (row,) = (row for row in rows if row[2] == name)
    return row[header.index(column)]


@pytest.mark.parametrize(
    "column",
    [
        "rank",
        "title",
        "status",
        "score",
        "score_low",
        "share_of_ceiling",
        "forgetting_quality",
        "ra_ratio",
        "efficiency_ratio",
        "certified_epsilon",
        "n_models",
        "seed",
        "score_second_replicate",
        "submission_sha256",
        "role",
        "bank",
    ],
)
def test_a_hand_edited_cell_is_named_with_both_values(full, request_of, column):
    old = cell_of(full, column)
    lines = full.csv.read_text().splitlines()
    at = lines[0].split(",").index(column)
    for number, line in enumerate(lines):
        cells = line.split(",")
        if cells[2] == "good":
            cells[at] = "9"
            lines[number] = ",".join(cells)
    full.csv.write_text("\n".join(lines) + "\n")
    assert drift(full, request_of) == [
        f"row good, column {column}: committed 9, computed {old}"
    ]


def test_a_row_taken_out_by_hand_is_missed(full, request_of):
    lines = full.csv.read_text().splitlines(keepends=True)
    full.csv.write_text("".join(line for line in lines if ",bad," not in line))
    assert drift(full, request_of) == ["row bad: committed nothing, computed a row"]


def test_a_row_added_by_hand_is_found(full, request_of):
    text = full.csv.read_text()
    full.csv.write_text(text + text.splitlines()[1].replace("good", "mine") + "\n")
    assert any(
        "row mine" in line or "row similar" in line for line in drift(full, request_of)
    )


def test_rows_in_another_order_are_found(full, request_of):
    lines = full.csv.read_text().splitlines()
    lines[1], lines[3] = lines[3], lines[1]
    full.csv.write_text("\n".join(lines) + "\n")
    (found,) = drift(full, request_of)
    assert found.startswith("order of rows")


def test_other_line_endings_are_found(full, request_of):
    full.csv.write_bytes(full.csv.read_bytes().replace(b"\n", b"\r\n"))
    assert drift(full, request_of) != []


def test_a_hand_edited_page_is_told_by_line(full, request_of):
    lines = full.markdown.read_text().split("\n")
    lines[0] = "# The best of boards"
    full.markdown.write_text("\n".join(lines))
    (found,) = drift(full, request_of)
    assert found.startswith("drawn.md, line 1: committed '# The best of boards'")


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("score__value", "score.value"),
        ("score__low", "score.low"),
        ("score__ceiling", "score.ceiling"),
        ("score__floor", "score.floor"),
        ("score__share_of_ceiling", "score.share_of_ceiling"),
        ("forgetting_quality__high", "forgetting_quality.high"),
        ("retain_accuracy__ratio", "retain_accuracy.ratio"),
        ("test_accuracy__value", "test_accuracy.value"),
        ("forget_accuracy__high", "forget_accuracy.high"),
        ("epsilon__value", "epsilon.value"),
        ("efficiency__ratio", "efficiency.ratio"),
        ("efficiency__cap", "efficiency.cap"),
        ("n_finished", "n_finished"),
    ],
)
def test_a_hand_edited_figure_of_a_result_is_found(
    full, request_of, edited, field, place
):
    edited(full.backing / "good" / "seed-1", **{field: 3})
    (found,) = drift(full, request_of)
    assert found.startswith(f"result good, seed 1: {place}: committed 3, computed ")


#: Sound rows of each list, and of no result.
ROWS = {
    "metrics": {
        "name": "mine",
        "value": 1.0,
        "low": None,
        "high": None,
        "direction": "lower is better",
        "null": None,
    },
    "flags": {"code": "mixed-runs", "message": "mine", "evidence": {}},
    "precision": {"n_models": 3, "mean": 0.5, "low": 0.4, "high": 0.6},
}


@pytest.mark.parametrize("listed", ["metrics", "flags", "precision"])
def test_the_other_metrics_are_computed_again_too(full, request_of, edited, listed):
    edited(full.backing / "bad" / "seed-0", **{listed: [ROWS[listed]]})
    found = drift(full, request_of)
    assert found
    assert all(line.startswith(f"result bad, seed 0: {listed}[") for line in found)


def plugin(comparison):
    return [MetricValue("of a package", 1.0, None, None, Direction.LOWER, None)]


def test_metrics_of_installed_packages_are_not_compared(
    full, request_of, edited, monkeypatch
):
    path = full.backing / "bad" / "seed-0"
    metrics = json.loads((path / "result.json").read_text())["metrics"]
    elsewhere = [*metrics, {**ROWS["metrics"], "name": "of another package"}]
    edited(path, metrics=elsewhere)
    entry = EntryPoint("mine", f"{__name__}:plugin", registry.ENTRY_POINTS)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])
    monkeypatch.setattr(evidence, "evidence_of", evidence_of)

    assert check_board(full, request_of()).ok
    edited(path, metrics=[{**elsewhere[0], "value": 3}, *elsewhere[1:]])
    (found,) = drift(full, request_of)
    assert found.startswith("result bad, seed 0: metrics[0].value: committed 3")


def test_a_row_of_another_kind_fails_by_its_name(full, request_of, edited):
    edited(full.backing / "bad" / "seed-0", flags=[{"name": "mine"}])
    with pytest.raises(CheckFailed, match=r"flags\[0\]\.name is no key .*--force"):
        check_board(full, request_of())


def test_a_status_that_the_costs_deny_is_found(full, request_of, edited):
    edited(full.backing / "slow" / "seed-0", status="scored", reason="")
    found = drift(full, request_of)
    assert (
        "result slow, seed 0: status: committed scored, computed over-budget" in found
    )


def test_forged_arrays_with_forged_sums_change_the_figures(full, request_of, forged):
    """Whoever swaps arrays and sums has the figures against them."""
    good, bad = (full.backing / name / "seed-0" for name in ("good", "bad"))
    forged(good, (bad / "examples.npz").read_bytes())
    found = drift(full, request_of)
    assert any(line.startswith("result good, seed 0: score.value") for line in found)
    assert any(line.startswith("row good, column score:") for line in found)


@pytest.mark.parametrize("order", [range(1, N + 1), range(N - 1, -1, -1)])
def test_runs_that_no_scoring_makes_so_are_refused(
    tmp_path, eligibility, known_metrics, order
):
    """Of unevenly many there is no interval, and none could not be told from any."""
    runs = [
        dataclasses.replace(run, index=index)
        for run, index in zip(drawn_runs(0.0, 0, 1.0), order, strict=True)
    ]
    path = Drawer(tmp_path, eligibility, known_metrics)("odd", runs=runs)
    stored = StoredResult(path, ResultFolder(path).read(), 0)

    with pytest.raises(CheckFailed, match=f"are not {N} of each of 1 originals"):
        evidence_of(stored, eligibility.reference, 0.2, everything=True)


def test_a_missing_board_is_a_mistake_with_its_remedy(board, request_of):
    with pytest.raises(
        UsageError, match=r"there is no leaderboard of drawn .*--update"
    ):
        check_board(board, request_of())


@pytest.mark.parametrize("which", ["csv", "markdown"])
def test_half_a_board_fails(full, request_of, which):
    getattr(full, which).unlink()
    with pytest.raises(CheckFailed, match="cannot be read"):
        check_board(full, request_of())


def test_a_table_that_is_no_text_fails(full, request_of):
    full.csv.write_bytes(b"\xff\xfe")
    with pytest.raises(CheckFailed, match="cannot be read"):
        check_board(full, request_of())


def test_missing_arrays_fail(full, request_of):
    (full.backing / "good" / "seed-0" / "examples.npz").unlink()
    with pytest.raises(CheckFailed, match=r"examples\.npz is not the file"):
        check_board(full, request_of())


def test_a_missing_replicate_is_drift(full, request_of):
    shutil.rmtree(full.backing / "good" / "seed-1")
    found = drift(full, request_of)
    assert any("row good, column score_second_replicate" in line for line in found)


def test_a_replicate_under_another_seed_fails(full, request_of):
    (full.backing / "good" / "seed-1").rename(full.backing / "good" / "seed-7")
    with pytest.raises(CheckFailed, match="seed 1, not that of its folder"):
        check_board(full, request_of())


def test_the_error_lists_what_differs_and_counts_the_rest(full, request_of, edited):
    edited(full.backing / "bad" / "seed-0", metrics=[])
    edited(
        full.backing / "good" / "seed-0",
        metrics=[],
        precision=[],
        flags=[ROWS["flags"]] * 50,
    )
    check = check_board(full, request_of())
    text = str(drift_error(check, full))
    n = len(check.differences)
    assert text.startswith(f"{n} figures of ")
    assert f"and {n - 40} more (all with --json)" in text
