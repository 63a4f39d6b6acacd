"""The split in two: private scores decide, and their seed stays a secret."""

import json

import pytest

from harness.errors import CheckFailed, UsageError
from harness.leaderboard.cells import parse_csv, records
from harness.leaderboard.check import check_board
from harness.leaderboard.table import rank_stored, update_board
from harness.results.schema import Isolation
from harness.track import find_track

SECRET = "864209753"  # the seed of the fixture's private split


@pytest.fixture
def both(draw, draw_private):
    """A shake-up: who is best in public is worst in private."""
    for seed in (0, 1):
        draw("tuned", 0.0, seed=seed)
        draw("plain", 1.0, seed=seed)
        draw("poor", 3.0, seed=seed)
    draw("oracle", 0.01, cost=10.0)
    draw_private("tuned", 3.0)
    draw_private("plain", 0.0)
    draw_private("poor", 1.5)
    return draw_private


def ranked(rows):
    return [row for row in rows if row.role == "ranked"]


def test_the_private_split_decides_the_order(both, request_of, private):
    rows = ranked(rank_stored(request_of(private)).rows)
    assert [row.submission for row in rows] == ["plain", "poor", "tuned"]
    scores = [row.private_score for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert [row.private_rank for row in rows] == [1, 2, 3]


def test_the_public_rank_stands_beside_it_with_the_shake_up(both, request_of, private):
    public = {row.submission: row for row in rank_stored(request_of()).rows}
    for row in ranked(rank_stored(request_of(private)).rows):
        assert row.rank == public[row.submission].rank
        assert row.score == public[row.submission].score
        assert row.shake_up == row.rank - row.private_rank


def test_without_the_split_its_results_are_refused_and_no_column_is_there(
    both, request_of
):
    table = rank_stored(request_of())
    assert [refused.reason for refused in table.refused] == [
        "another split of the track: not ranked"
    ] * 3
    assert "private_score" not in table.cells
    assert "private_score" not in json.dumps(table.to_dict())


def test_the_seed_and_what_gives_it_away_are_never_written(
    both, board, request_of, private_eligibility
):
    private = private_eligibility.track
    both("other", track_hash="beef")
    both("weak", isolation=Isolation(level="partial"))
    table = update_board(board, request_of(private))
    written = [p.read_bytes() for p in board.folder.rglob("*") if p.is_file()]
    texts = [json.dumps(table.to_dict()).encode(), *written]
    secrets = (SECRET, private.hash, private_eligibility.bank.key, "beef")
    for text in texts:
        assert not any(secret.encode() in text for secret in secrets)
    assert {refused.reason for refused in table.refused} == {
        "another track version on the private split: not ranked",
        "isolation partial: not ranked",
    }


def test_no_private_result_is_copied_into_the_board(both, board, request_of, private):
    update_board(board, request_of(private))
    for path in board.replicates():
        content = json.loads((path / "result.json").read_text())
        assert content["provenance"]["split_seed"] == 3


def test_a_row_without_a_private_score_comes_last_and_keeps_its_public_rank(
    both, draw, request_of, private
):
    draw("late", 0.1)
    last = ranked(rank_stored(request_of(private)).rows)[-1]
    assert last.submission == "late"
    assert last.rank is not None
    assert (last.private_score, last.private_rank, last.shake_up) == (None, None, None)


def test_private_results_alone_need_their_seed_and_public_ones(
    draw_private, request_of, private
):
    draw_private("plain")
    with pytest.raises(UsageError, match=r"all 1 results .* private split; give its"):
        rank_stored(request_of())
    with pytest.raises(UsageError, match="no results of the public split") as caught:
        rank_stored(request_of(private))
    assert "unlearn-eval score submissions/ --official" in str(caught.value)


def test_a_split_without_results_is_a_mistake_with_the_command(
    draw, drawn_file, request_of
):
    draw("plain")
    private = find_track(str(drawn_file), split_seed=77)
    with pytest.raises(UsageError, match="no results of that private split") as caught:
        rank_stored(request_of(private))
    assert "--official" in str(caught.value)
    assert "--split-seed 77" in str(caught.value)


def test_an_update_without_the_split_does_not_drop_the_private_columns(
    both, board, request_of, private
):
    update_board(board, request_of(private))
    with pytest.raises(UsageError, match="private columns, which would be lost"):
        update_board(board, request_of())


def test_public_rows_of_the_board_are_enough_beside_private_results(
    both, board, request_of, private
):
    update_board(board, request_of())
    both.output.rename(both.output.with_name("away"))
    both("plain", 0.0)
    both("tuned", 3.0)
    rows = ranked(update_board(board, request_of(private)).rows)
    assert [row.submission for row in rows] == ["plain", "tuned", "poor"]


def test_the_check_with_the_split_computes_private_columns_too(
    both, board, request_of, private
):
    update_board(board, request_of(private))
    check = check_board(board, request_of(private))
    assert check.ok
    assert check.private == "checked"
    forge(board, "private_score", "0.900000")
    (found,) = check_board(board, request_of(private)).differences
    assert found.place == "row plain, column private_score"


def forge(board, column, value):
    cells = records(parse_csv(board.csv.read_text(), "csv"))
    old = next(row[column] for row in cells if row["submission"] == "plain")
    board.csv.write_text(board.csv.read_text().replace(old, value, 1))


def test_the_check_without_it_still_finds_public_drift(
    both, board, request_of, private
):
    update_board(board, request_of(private))
    check = check_board(board, request_of())
    assert check.ok
    assert check.private == "unchecked"
    score = next(
        row["score"]
        for row in records(parse_csv(board.csv.read_text(), "csv"))
        if row["submission"] == "plain"
    )
    board.csv.write_text(board.csv.read_text().replace(score, "0.900000"))
    found = check_board(board, request_of()).differences
    assert "row plain, column score" in [each.place for each in found]


def test_a_private_cell_that_is_no_number_fails(both, board, request_of, private):
    update_board(board, request_of(private))
    forge(board, "private_score", "secret")
    with pytest.raises(CheckFailed, match="a private column holds no number"):
        check_board(board, request_of())
