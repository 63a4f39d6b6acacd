"""Ranking stored results."""

import os

import numpy as np
import pytest

from harness.errors import CheckFailed, UsageError
from harness.leaderboard.columns import COLUMNS
from harness.leaderboard.table import rank_stored
from harness.metrics.attacks.certified import certified_epsilon
from harness.models.records import stack
from harness.results.schema import Isolation
from harness.results.store import read_examples


def by_name(table):
    return {row.submission: row for row in table.rows}


def test_rows_come_in_the_order_of_their_scores_and_parts(four, request_of):
    four.failed("broken")
    four("slow", 0.0, cost=8.0)
    rows = rank_stored(request_of()).rows
    ranked = [row for row in rows if row.role == "ranked"]
    assert {row.submission for row in ranked} == {"good", "similar", "bad"}
    assert [r.score for r in ranked] == sorted((r.score for r in ranked), reverse=True)
    assert [row.role for row in rows] == ["ranked"] * 3 + ["control"] * 3 + [
        "unranked"
    ] * 2
    assert rows[5].submission == "(floor)"
    assert {row.submission for row in rows[6:]} == {"broken", "slow"}


def test_rows_that_cannot_be_told_apart_share_a_rank(four, request_of):
    rows = by_name(rank_stored(request_of()))
    assert rows["good"].rank == rows["similar"].rank == 1
    assert rows["bad"].rank == 3


def test_nothing_but_ranked_rows_has_a_rank(four, request_of):
    four.failed("broken")
    four("slow", 0.0, cost=8.0)
    rows = by_name(rank_stored(request_of()))
    unranked = ("broken", "slow", "oracle", "(ceiling)", "(floor)")
    assert [rows[name].rank for name in unranked] == [None] * 5
    assert rows["slow"].status == "over-budget"
    assert rows["slow"].reason == "it costs too much."
    assert rows["broken"].reason.startswith("run 0")


def test_the_lowest_seed_is_the_row_and_the_next_its_replicate(draw, request_of):
    paths = {seed: draw("one", 0.1, seed=seed) for seed in (7, 3, 5)}
    table = rank_stored(request_of())
    row = by_name(table)["one"]
    assert row.seed == 3
    assert len(paths) == 3
    alone = draw("two", 0.1, seed=5)
    again = by_name(rank_stored(request_of()))
    assert alone.exists()
    assert again["one"].score_second_replicate == again["two"].score
    assert again["two"].score_second_replicate is None


def test_the_certified_epsilon_is_the_median_over_the_examples(
    draw, request_of, eligibility
):
    ours = stack(read_examples(draw("bad", 5.0)))
    both = ours, eligibility.reference.retrained
    pair = (each.forget_confidence for each in both)
    wanted = np.median(certified_epsilon(*pair, seed=2023).epsilon)
    found = by_name(rank_stored(request_of()))["bad"].certified_epsilon
    assert found == wanted > 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"isolation": Isolation(level="partial")}, "isolation partial: not ranked"),
        ({"track_hash": "beef"}, "track version beef, not "),
        ({"bank_key": "cafe"}, "reference bank cafe, not "),
        ({"bank_size": 99}, "size of the reference bank 99, not 32"),
        ({"metrics_version": 0}, "metrics version 0, not "),
        ({"split_seed": 4711}, "another split of the track: not ranked"),
    ],
)
def test_a_result_measured_on_something_else_is_refused_with_the_reason(
    draw, request_of, change, words
):
    draw("good", 0.0)
    draw("other", 0.0, **change)
    table = rank_stored(request_of())
    assert "other" not in by_name(table)
    (refused,) = table.refused
    assert refused.submission == "other"
    assert words in refused.reason
    assert "4711" not in refused.reason


def test_a_result_at_another_n_is_refused(draw, request_of, edited):
    draw("good")
    edited(draw("small"), n_models=4)
    (refused,) = rank_stored(request_of()).refused
    assert refused.reason == "N 4, not 16: not ranked"


def test_refused_results_alone_are_a_mistake_that_says_why(draw, request_of):
    draw("weak", isolation=Isolation(level="none"))
    with pytest.raises(UsageError, match=r"weak \(seed 0\): isolation none") as caught:
        rank_stored(request_of())
    assert "unlearn-eval score submissions/ --official --track" in str(caught.value)


def test_an_empty_folder_is_a_mistake_with_its_remedy(request_of):
    with pytest.raises(UsageError, match=r"there are no results in .*--official"):
        rank_stored(request_of())


def test_of_a_file_that_was_changed_and_scored_again_the_last_version_is_ranked(
    draw, request_of
):
    old, new = draw("twin", source="a"), draw("twin", source="b", seed=1)
    os.utime(old / "result.json", (1, 1))

    table = rank_stored(request_of())

    (row,) = (row for row in table.rows if row.submission == "twin")
    assert (row.seed, row.score_second_replicate) == (1, None)
    (refused,) = table.refused
    assert (refused.submission, refused.seed) == ("twin", 0)
    assert f"an earlier version of its file ({old})" in refused.reason
    os.utime(new / "result.json", (0, 0))
    assert [each.seed for each in rank_stored(request_of()).refused] == [1]


def test_two_results_of_one_seed_are_a_mistake(draw, request_of):
    draw("twin", folder="cpu-n8")
    draw("twin", folder="gpu-n8")
    with pytest.raises(UsageError, match="two results of 'twin' with seed 0"):
        rank_stored(request_of())


def test_a_result_whose_seeds_anybody_knows_is_refused(draw, request_of):
    draw("good")
    draw("open", secret_name="")

    (refused,) = rank_stored(request_of()).refused

    assert refused.submission == "open"
    assert refused.reason == "scored without --official: not ranked"


def test_a_refused_result_is_no_second_one_of_its_name(draw, request_of):
    draw("good")
    draw("good", folder="weak-n8", isolation=Isolation(level="partial"))
    assert len(rank_stored(request_of()).refused) == 1


def test_a_damaged_array_file_fails_the_check_of_its_sum(draw, request_of):
    path = draw("good") / "examples.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(CheckFailed, match=r"examples\.npz is not the file"):
        rank_stored(request_of())


def test_a_result_in_the_folder_of_another_fails(draw, request_of, edited):
    edited(draw("good"), about__name="../../elsewhere")
    with pytest.raises(CheckFailed, match="lies in the folder of 'good'"):
        rank_stored(request_of())


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"schema": 99}'])
def test_a_result_that_cannot_be_read_fails(draw, request_of, text):
    (draw("good") / "result.json").write_text(text)
    with pytest.raises(CheckFailed, match=r"result\.json"):
        rank_stored(request_of())


def test_fewer_digits_are_rounded_from_those_that_stand_in_the_csv_file():
    assert format(0.007750, ".4f") == "0.0077"  # the nearest float is just below it
    cells = {
        "score": "0.007750",
        "calibrated_low": "0.007750",
        "calibrated_high": "0.010621",
    }
    shown = {column.name: column.text for column in COLUMNS if column.name in cells}
    assert shown["score"](cells) == "0.0078"
    assert shown["calibrated_low"](cells) == "0.0078 to 0.0106"
