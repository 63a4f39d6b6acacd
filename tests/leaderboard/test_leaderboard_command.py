"""``unlearn-eval leaderboard`` on drawn results."""

import json

import pytest

from harness.results.schema import Isolation


def test_the_table_is_printed_with_its_rule(four, leaderboard):
    ended = leaderboard()
    assert ended.code == 0
    assert ended.out.startswith("rank  official rank  submission")
    assert "Controls, never ranked" in ended.out
    assert "share a rank" in ended.out
    assert "Kendall's τ between the two orders is" in " ".join(ended.out.split())
    assert "reference bank" in ended.out
    assert ended.err == ""


def test_json_is_one_object_with_numbers(four, leaderboard):
    ended = leaderboard("--json")
    content = json.loads(ended.out)
    assert ended.code == 0
    assert content["n_models"] == 16
    ranked = [row for row in content["rows"] if row["role"] == "ranked"]
    assert [row["rank"] for row in ranked] == [1, 1, 3]
    assert content["agreement"]["replicated"] == 3
    assert -1 <= content["agreement"]["kendall_tau"] <= 1
    assert content["agreement"]["share_inside"] is not None


def test_refused_results_are_shown_below_with_the_reason(draw, leaderboard):
    draw("good")
    draw("weak", isolation=Isolation(level="partial"))
    ended = leaderboard()
    assert ended.code == 0
    assert "Refused\nweak (seed 0): isolation partial: not ranked" in ended.out


def test_a_stranger_cannot_reach_the_terminal(draw, leaderboard, edited):
    edited(draw("good"), about__title="\x1b]0;owned\x07 <b>|")
    ended = leaderboard("--update")
    assert "\x1b" not in ended.out + ended.err
    page = (draw.output.parent / "board" / "drawn.md").read_text()
    assert "\x1b" not in page
    assert r"\\x1b\]0;owned\\x07 \<b\>\|" in page


def test_update_then_check_passes(four, leaderboard):
    update, check = leaderboard("--update"), leaderboard("--check")
    assert (update.code, check.code) == (0, 0)
    assert "are what the stored arrays give." in check.out
    assert "Wrote " in update.err


def test_drift_is_exit_4_with_the_cells(four, leaderboard, board):
    leaderboard("--update")
    board.csv.write_text(board.csv.read_text().replace("Good", "Best"))
    ended = leaderboard("--check")
    assert ended.code == 4
    assert ended.out == ""
    assert "row good, column title: committed Best, computed Good" in ended.err
    assert "Traceback" not in ended.err


def test_drift_in_json_is_exit_4_with_the_same_cells(four, leaderboard, board):
    leaderboard("--update")
    board.csv.write_text(board.csv.read_text().replace("Good", "Best"))
    ended = leaderboard("--check", "--json")
    content = json.loads(ended.out)
    assert ended.code == 4
    assert not content["ok"]
    assert content["differences"] == [
        {"place": "row good, column title", "committed": "Best", "computed": "Good"}
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--update", "--check"], "exclude each other"),
        (["--check"], "there is no leaderboard of drawn"),
        (["--split-seed", "3"], "is the track's public one"),
        ([], "there are no results in"),
        (["--track", "nope"], "nope"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_2(leaderboard, options, words):
    ended = leaderboard(*options)
    assert ended.code == 2
    assert words in ended.err
    assert ended.err.count("\n") == 1


def test_a_damaged_file_is_exit_4(draw, leaderboard):
    (draw("good") / "examples.npz").write_bytes(b"")
    ended = leaderboard()
    assert ended.code == 4
    assert "examples.npz" in ended.err


def test_private_columns_come_with_the_split_seed(draw, draw_private, leaderboard):
    draw("good")
    draw_private("good")
    ended = leaderboard("--split-seed", 864209753, "--update")
    assert ended.code == 0
    assert "shake-up" in ended.out
    assert "864209753" not in ended.out + ended.err
    check = leaderboard("--check")
    assert "Private scores and ranks were not checked" in check.out
