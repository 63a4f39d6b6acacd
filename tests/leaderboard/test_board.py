"""The board: what an update keeps, replaces and never loses."""

import io
import re

import numpy as np
import pytest

from harness.errors import CheckFailed, UsageError
from harness.leaderboard import board as board_module
from harness.leaderboard.cells import parse_csv, records
from harness.leaderboard.check import check_board
from harness.leaderboard.table import update_board
from harness.metrics import METRICS_VERSION
from harness.results.schema import Isolation
from harness.results.store import read_examples


def rows_of(board):
    return {
        row["submission"]: row
        for row in records(parse_csv(board.csv.read_text(), "csv"))
    }


def content_of(board):
    paths = sorted(p for p in board.folder.rglob("*") if p.is_file())
    return {str(p.relative_to(board.folder)): p.read_bytes() for p in paths}


def test_every_row_is_backed_by_its_arrays_for_both_replicates(four, board, request_of):
    update_board(board, request_of())
    names = set(content_of(board))
    assert {"drawn.csv", "drawn.md"} <= names
    for seed in (0, 1):
        for file in ("result.json", "examples.npz", "models.csv"):
            assert f"drawn/good/seed-{seed}/{file}" in names
    assert not any("forgotten" in name or "submission.py" in name for name in names)


def test_no_more_than_two_replicates_are_kept(draw, board, request_of):
    for seed in (4, 2, 3):
        draw("good", seed=seed)
    update_board(board, request_of())
    assert [path.name for path in board.replicates()] == ["seed-2", "seed-3"]


def test_an_update_again_changes_no_byte(four, board, request_of):
    update_board(board, request_of())
    before = content_of(board)
    update_board(board, request_of())
    assert content_of(board) == before


def test_two_boards_of_the_same_results_are_the_same(four, board, request_of, tmp_path):
    other = board_module.Board(tmp_path / "other", board.track)
    for each in (board, other):
        update_board(each, request_of())
    assert content_of(board) == content_of(other)
    assert not re.search(r"20\d\d-\d\d|\d\d:\d\d", board.markdown.read_text())


def test_results_of_older_metrics_are_measured_again_and_no_run_is_made(
    four, board, request_of, edited, tmp_path
):
    update_board(board, request_of())
    before = content_of(board)
    (tmp_path / "runs").rename(tmp_path / "old")
    older = {"provenance__metrics_version": METRICS_VERSION - 1}
    edited(board.backing / "good" / "seed-0", **older, n_finished=3)
    edited(board.backing / "bad" / "seed-1", **older)

    update_board(board, request_of())

    assert content_of(board) == before
    assert check_board(board, request_of()).ok


def test_results_of_newer_metrics_are_not(four, board, request_of, edited):
    update_board(board, request_of())
    newer = {"provenance__metrics_version": METRICS_VERSION + 1}
    path = board.backing / "only_here" / "seed-0"
    (board.backing / "good").rename(path.parent)
    edited(path, **newer, about__name="only_here")

    with pytest.raises(CheckFailed, match="metrics version"):
        update_board(board, request_of())


def test_a_row_that_only_the_board_has_stays(four, board, request_of, tmp_path):
    update_board(board, request_of())
    (tmp_path / "runs").rename(tmp_path / "old")
    four("new", 1.0)
    update_board(board, request_of())
    assert set(rows_of(board)) >= {"good", "similar", "bad", "oracle", "new"}
    assert check_board(board, request_of()).ok


def test_the_board_alone_is_enough_to_write_its_table_again(four, board, request_of):
    update_board(board, request_of())
    before = content_of(board)
    four.output.rename(four.output.with_name("away"))
    board.csv.unlink()
    update_board(board, request_of())
    assert content_of(board) == before


def test_runs_replace_the_row_of_the_same_name(draw, board, request_of):
    for seed in (0, 1):
        old = draw("good", 3.0, seed=seed, source="a")
    update_board(board, request_of())
    for seed in (0, 1):
        (draw.output / "drawn" / "good" / f"a{seed}3-n16").rename(
            draw.output.parent / f"gone{seed}"
        )
    assert not old.exists()
    draw("good", 0.0, source="b")
    update_board(board, request_of())
    row = rows_of(board)["good"]
    assert row["submission_sha256"] == "b".ljust(12, "0")
    # The second replicate was of the old source: it backs nothing any more.
    assert row["score_second_replicate"] == ""
    assert [path.name for path in board.replicates()] == ["seed-0"]


def test_a_replicate_of_the_same_source_stays_beside_a_new_one(
    draw, board, request_of, tmp_path
):
    draw("good", seed=0)
    update_board(board, request_of())
    draw.output.rename(tmp_path / "away")
    draw("good", seed=1)
    update_board(board, request_of())
    row = rows_of(board)["good"]
    assert row["seed"] == "0"
    assert row["score_second_replicate"] != ""


def test_a_failure_does_not_replace_a_scored_row_of_the_same_source(
    draw, board, request_of, tmp_path
):
    draw("good")
    update_board(board, request_of())
    draw.output.rename(tmp_path / "away")
    draw.failed("good")
    update_board(board, request_of())
    assert rows_of(board)["good"]["status"] == "scored"


def test_refused_results_do_not_reach_the_board(draw, board, request_of):
    draw("good")
    draw("weak", isolation=Isolation(level="partial"))
    table = update_board(board, request_of())
    assert [refused.submission for refused in table.refused] == ["weak"]
    assert "weak" not in "".join(content_of(board))


def test_a_failed_submission_is_a_row_without_arrays(draw, board, request_of):
    draw("good")
    draw.failed("broken")
    update_board(board, request_of())
    folder = board.backing / "broken" / "seed-0"
    assert [path.name for path in folder.iterdir()] == ["result.json"]
    assert rows_of(board)["broken"]["rank"] == ""
    assert check_board(board, request_of()).ok


@pytest.mark.parametrize("after", range(1, 8))
def test_an_update_cut_short_anywhere_is_mended_by_the_next(
    draw, board, request_of, monkeypatch, after
):
    for seed in (0, 1):
        draw("good", 1.0, seed=seed)
    update_board(board, request_of())
    for path in draw.output.glob("drawn/good/*"):
        path.rename(draw.output.parent / path.name)
    for seed in (0, 1):
        draw("good", 0.0, seed=seed, source="b")
    written = 0
    write = board_module.write_atomic

    def dying(*args):
        nonlocal written
        written += 1
        if written > after:
            raise KeyboardInterrupt
        write(*args)

    with monkeypatch.context() as patch:
        patch.setattr(board_module, "write_atomic", dying)
        with pytest.raises(KeyboardInterrupt):
            update_board(board, request_of())
    update_board(board, request_of())
    assert rows_of(board)["good"]["submission_sha256"] == "b".ljust(12, "0")
    assert check_board(board, request_of()).ok


def test_a_damaged_row_that_runs_do_not_replace_stops_the_update(
    draw, board, request_of, tmp_path
):
    draw("good")
    update_board(board, request_of())
    draw.output.rename(tmp_path / "away")
    draw("new")
    damaged = board.backing / "good" / "seed-0" / "examples.npz"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    before = board.csv.read_bytes()
    with pytest.raises(CheckFailed, match=r"examples\.npz"):
        update_board(board, request_of())
    assert board.csv.read_bytes() == before


def test_a_row_of_another_track_version_stops_the_update(
    draw, board, request_of, edited, tmp_path
):
    draw("good")
    update_board(board, request_of())
    draw.output.rename(tmp_path / "away")
    draw("new")
    edited(board.backing / "good" / "seed-0", provenance__track_hash="beef")
    with pytest.raises(CheckFailed, match="track version beef, not"):
        update_board(board, request_of())


def test_nothing_to_rank_makes_no_board(board, request_of):
    with pytest.raises(UsageError, match="there are no results"):
        update_board(board, request_of())
    assert not board.folder.exists()


def test_both_precisions_of_stored_confidences_are_read(
    draw, board, request_of, forged
):
    """Results of earlier versions hold float64."""
    path = draw("good")
    before = read_examples(path)
    with np.load(path / "examples.npz") as arrays:
        wide = {name: array.astype(np.float64) for name, array in arrays.items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **wide)
    forged(path, buffer.getvalue())
    update_board(board, request_of())
    assert check_board(board, request_of()).ok
    for one, other in zip(before, read_examples(path), strict=True):
        assert np.array_equal(
            one.outputs.forget_confidence, other.outputs.forget_confidence
        )
