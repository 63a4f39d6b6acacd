"""Forged rows and learnt banks: what shows them, and what an organizer vouches for."""

import json
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from harness.errors import CheckFailed, UsageError
from harness.leaderboard.cells import parse_csv, records
from harness.leaderboard.check import check_board
from harness.leaderboard.replicates import by_submission
from harness.leaderboard.rerun import record_reruns
from harness.leaderboard.signature import SIGNERS, signature_path
from harness.leaderboard.stored import read_one
from harness.leaderboard.table import rank_stored, record_confirmed, update_board
from harness.leaderboard.verified import (
    awaits_confirmation,
    is_confirmed,
    read_record,
    record_path,
)
from harness.results.schema import Metrics, Number
from harness.run.submission import read_submission
from harness.scoring.seeds import run_seeds, secret_name
from harness.scoring.verdict import about_submission
from tests.leaderboard.conftest import N, drawn_runs, edit
from tests.typed_results import typed_result

SOURCE = '''"""Does nothing."""
NAME = "Mine"


def unlearning(net, retain, forget, validation):
    return net
'''


@pytest.fixture
def claimed(draw, board, request_of):
    """A row that no run was made for: its arrays are drawn, its file is a plain one."""
    path = board.submissions / "mine.py"
    path.write_text(SOURCE)
    about = about_submission(read_submission(path))
    edit(draw("mine", 0.0), about=vars(about) | {"made": None})
    folder = draw.output / "drawn" / "mine"
    content = json.loads(next(folder.glob("*/result.json")).read_text())
    del content["about"]["made"]
    edit(next(folder.iterdir()), about=content["about"])
    update_board(board, request_of())
    return path


def cells(board, name):
    table = records(parse_csv(board.texts()[0], "x.csv"))
    return next(row for row in table if row["submission"] == name)


def drift(board, request_of, **options):
    return [str(d) for d in check_board(board, request_of(), **options).differences]


def groups_of(board):
    return by_submission(map(read_one, board.replicates()))


def test_a_row_without_a_run_is_sound_and_says_that_its_submitter_ran_it(
    claimed, board, request_of
):
    check = check_board(board, request_of())
    assert check.ok
    assert check.sources == "checked"
    assert check.unverified == ("mine",)
    assert cells(board, "mine")["run_by"] == "submitter"
    assert "mine" in board.markdown.read_text().partition("run by")[2]


def test_a_row_must_be_of_the_file_beside_the_board(claimed, board, request_of):
    claimed.write_text(SOURCE + "# changed\n")
    (found,) = drift(board, request_of)
    assert found.startswith("result mine, seed 0: about.sha256: committed ")
    claimed.rename(claimed.with_name("other.py"))
    (found,) = drift(board, request_of)
    assert found.endswith("computed no mine.py")


@pytest.mark.parametrize("key", ["title", "authors", "url", "summary"])
def test_a_result_says_of_its_submission_what_the_file_says(
    claimed, board, request_of, key
):
    edit(board.backing / "mine" / "seed-0", **{f"about__{key}": "x\x1b[1m::error::y"})
    found = drift(board, request_of)
    assert any(line.startswith(f"result mine, seed 0: about.{key}") for line in found)
    assert not any("\x1b" in line or " ::error" in line for line in found)


def test_a_stranger_cannot_call_itself_a_control(claimed, board, request_of):
    edit(board.backing / "mine" / "seed-0", about__reference=True, reference=True)
    assert any("about.reference" in line for line in drift(board, request_of))


def test_seeds_that_are_not_the_secrets_are_found(draw, board, request_of, drawn):
    secret = bytes(32)
    name = secret_name(secret)
    seeds = run_seeds(drawn, "a".ljust(64, "0"), 0, N, secret)
    runs = drawn_runs(0.0, 0, 1.0)
    true = [replace(run, seed=seeds[run.index]) for run in runs]
    draw("true", runs=true, secret_name=name)
    draw("false", runs=runs, secret_name=name)
    update_board(board, request_of())
    (found,) = drift(board, request_of, secret=secret)
    assert found.startswith("result false, seed 0: seed of run 0: committed 0")
    assert drift(board, request_of, secret=bytes([1]) * 32) == []


@pytest.fixture
def verified(four, board, request_of):
    """A board on which the organizer has run `good` again."""
    update_board(board, request_of())
    (good,) = (g for g in groups_of(board) if g.first.name == "good")
    record_reruns(board, [good], [good.first.result])
    update_board(board, request_of())
    return good


def test_what_the_organizer_ran_again_says_so(verified, board, request_of):
    check = check_board(board, request_of())
    assert check.ok
    assert "good" not in check.unverified
    assert cells(board, "good")["run_by"] == "organizer"
    assert cells(board, "similar")["run_by"] == "submitter"


@pytest.mark.parametrize("changed", ["retraining_seconds", "models.csv"])
def test_a_record_is_of_those_runs_alone(  # noqa: PLR0917
    verified, board, request_of, draw, edited, changed
):
    folder = board.backing / "good" / "seed-0"
    if changed == "models.csv":
        draw("good", 0.01, seed=0)
        update_board(board, request_of())
    else:
        edited(folder, provenance__retraining_seconds=[99.0])
    assert any("record of good: runs of seed 0" in x for x in drift(board, request_of))
    assert check_board(board, request_of()).unverified[0] in ("good", "similar")
    assert "good" in check_board(board, request_of()).unverified


def test_a_rerun_that_does_not_bear_a_row_out_unsays_it(verified, board, request_of):
    score = replace(verified.first.result.metrics.score, value=0.9)
    metrics = replace(verified.first.result.metrics, score=score)
    other = replace(verified.first.result, metrics=metrics)
    record_reruns(board, [verified], [other])
    assert "good" in check_board(board, request_of()).unverified


def test_a_damaged_record_is_refused(verified, board, request_of):
    path = record_path(board.backing, "good")
    path.write_text(path.read_text().replace('"good"', '"bad"'))
    with pytest.raises(CheckFailed, match="changed after it was written"):
        check_board(board, request_of())


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def trust(board, key):
    public = key.with_suffix(".pub").read_text()
    (board.folder / SIGNERS).write_text(f"organizer {public}")


def test_where_keys_are_named_only_a_record_signed_by_one_counts(
    verified, board, request_of, key
):
    trust(board, key)
    assert "good" in check_board(board, request_of()).unverified
    assert "record of good: signature: committed none that counts, computed one" in (
        drift(board, request_of)
    )
    record_reruns(board, [verified], [verified.first.result], key)
    update_board(board, request_of())
    assert cells(board, "good")["run_by"] == "organizer (signed)"
    assert check_board(board, request_of()).ok


def test_a_signature_is_of_that_record_alone(verified, board, request_of, key):
    trust(board, key)
    record_reruns(board, [verified], [verified.first.result], key)
    signature = signature_path(record_path(board.backing, "good")).read_bytes()
    record_reruns(board, [verified], [verified.first.result])
    record = read_record(record_path(board.backing, "good"))
    assert record is not None
    (others,) = (g for g in groups_of(board) if g.first.name == "similar")
    record_reruns(board, [others], [others.first.result])
    signature_path(record_path(board.backing, "similar")).write_bytes(signature)
    assert "similar" in check_board(board, request_of()).unverified


def test_a_key_that_is_none_is_a_mistake(verified, board, tmp_path):
    with pytest.raises(UsageError, match="could not be signed with"):
        record_reruns(board, [verified], [verified.first.result], tmp_path / "none")


def replay(reference, seed=0):
    """Runs that return the public bank's own confidences."""
    known = reference.retrained.forget_confidence[:N]
    return [
        replace(
            run,
            outputs=replace(
                run.outputs, forget_confidence=known[[run.index]].astype(np.float32)
            ),
        )
        for run in drawn_runs(0.0, seed, 1.0)
    ]


@pytest.fixture
def learnt(draw, eligibility, board, request_of):
    """A submission that has learnt the public bank's numbers by heart."""
    draw("honest", 0.05)
    draw("learnt", runs=replay(eligibility.reference))
    update_board(board, request_of())
    return draw


def row_of(table, name):
    return next(row for row in table.rows if row.submission == name)


def test_a_row_above_the_ceiling_takes_no_rank(learnt, board, request_of):
    row = row_of(rank_stored(request_of()), "learnt")
    assert (row.rank, row.role) == (None, "unranked")
    assert "until a private split confirms it" in row.reason
    assert cells(board, "learnt")["rank"] == ""
    assert cells(board, "honest")["rank"] == "1"
    assert check_board(board, request_of()).ok


def test_a_private_split_on_which_it_fails_confirms_nothing(
    learnt, draw_private, board, request_of, private
):
    draw_private("learnt", 3.0)
    draw_private("honest", 0.05)
    assert record_confirmed(board, request_of(private), None) == ["honest"]
    update_board(board, request_of())
    assert cells(board, "learnt")["rank"] == ""
    assert cells(board, "honest")["confirmed"] == "on a private split"
    assert row_of(rank_stored(request_of(private)), "learnt").private_rank is None


def test_a_private_split_that_confirms_it_gives_it_its_rank(  # noqa: PLR0917
    learnt, draw_private, private_eligibility, board, request_of, private
):
    draw_private("learnt", runs=replay(private_eligibility.reference))
    assert record_confirmed(board, request_of(private), None) == ["learnt"]
    update_board(board, request_of())
    found = cells(board, "learnt")
    assert (found["rank"], found["confirmed"]) == ("1", "on a private split")
    assert check_board(board, request_of()).ok


def test_what_was_confirmed_are_those_runs_and_not_better_ones_put_in_their_place(  # noqa: PLR0917
    learnt, draw_private, eligibility, board, request_of, private
):
    """The source is the same, so that nothing else tells the arrays from each other."""
    draw_private("honest", 0.05)
    assert record_confirmed(board, request_of(private), None) == ["honest"]
    learnt("honest", runs=replay(eligibility.reference))
    update_board(board, request_of())
    found = cells(board, "honest")
    assert (found["rank"], found["confirmed"]) == ("", "")
    assert any("that a private split confirmed" in x for x in drift(board, request_of))


def test_another_source_is_not_confirmed(
    learnt, draw_private, board, request_of, private
):
    draw_private("honest", 0.05, source="b")
    assert record_confirmed(board, request_of(private), None) == []


def test_a_confirmed_row_says_so_wherever_it_is_ranked(
    learnt, draw_private, board, request_of, private
):
    draw_private("honest", 0.05)
    record_confirmed(board, request_of(private), None)
    row = row_of(rank_stored(request_of(), board), "honest")
    assert row.confirmed == "on a private split"
    assert row_of(rank_stored(request_of()), "honest").confirmed == ""


def test_the_command_records_confirms_and_insists(leaderboard, draw, draw_private):
    draw("good")
    draw_private("good")
    assert leaderboard("--update").code == 0
    told = leaderboard("--check")
    assert told.code == 0
    assert "stand on their submitters' word alone (run by: submitter): good" in told.out
    assert leaderboard("--check", "--verified").code == 4
    assert leaderboard("--split-seed", 864209753, "--record").code == 0
    assert "on a private split" in leaderboard().out
    for wrong in (["--verified"], ["--check", "--record"], ["--record"]):
        assert leaderboard(*wrong).code == 2


NUMBERS = (
    "score",
    "forgetting_quality",
    "calibrated_score",
    "calibrated_forgetting_quality",
)


@pytest.mark.parametrize("name", NUMBERS)
def test_each_number_above_its_ceiling_awaits_confirmation(name):
    """Ranks are made of the calibrated score, so that it must not slip through."""
    below, above = (Number(value=value, ceiling_high=0.25) for value in (0.1, 0.3))
    usual = dict.fromkeys(NUMBERS, below)
    public = typed_result("x", metrics=Metrics(**usual))

    assert not awaits_confirmation(public)
    learnt = Metrics(**{**usual, name: above})
    assert awaits_confirmation(typed_result("x", metrics=learnt))


def test_it_is_the_score_that_ranks_which_a_private_split_must_bear_out():
    def result(official, calibrated):
        values = {"score": official, "calibrated_score": calibrated}
        numbers = {
            key: Number(value=value, low_drawn=value, high_drawn=value, ceiling=0.2)
            for key, value in values.items()
        }
        return typed_result("x", metrics=Metrics(**numbers))

    assert is_confirmed(result(0.2, 0.1), result(0.1, 0.1))
    assert not is_confirmed(result(0.1, 0.2), result(0.1, 0.1))
