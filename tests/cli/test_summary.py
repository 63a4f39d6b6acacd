"""A folder scored at night: what failed costs itself, and one table says why."""

import pytest

from harness.errors import UnlearnEvalError
from harness.scoring.verdict import Verdicts
from tests.cli.test_odd_entries import SOUND


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """One is sound, one invalid, and with one the harness itself fails."""
    for name, source in (
        ("a_ours.py", SOUND),
        ("b_[red]wrong.py", "def unlearning(net): pass\n"),
        ("c_sound.py", SOUND),
    ):
        (tmp_path / "night").mkdir(exist_ok=True)
        (tmp_path / "night" / name).write_text(source)
    conclude = Verdicts.conclude

    def fail(self, attempt):
        if attempt.entry.name == "a_ours" and attempt.failure is None:
            raise UnlearnEvalError("the disk is gone.")
        return conclude(self, attempt)

    monkeypatch.setattr(Verdicts, "conclude", fail)
    return tmp_path / "night"


def test_a_failure_of_ours_ends_the_command(score, folder):
    ended = score(folder)

    assert ended.code == 1
    assert ended.err.splitlines()[-1] == "Error: the disk is gone."


def test_the_others_are_scored_where_it_is_to_go_on(score, folder, tmp_path):
    ended = score(folder, "--keep-going")

    assert ended.code == 1
    _, _, table = ended.out.rpartition("3 submissions: ")
    head, _, *rows = table.splitlines()
    assert sorted(head.split(", ")) == ["1 harness-error", "1 invalid", "1 scored"]
    assert max(map(len, rows)) <= 80
    assert rows[1].split()[:2] == ["c_sound", "scored"]
    words = " ".join(table.split())
    assert "a_ours harness-error - - the disk is gone." in words
    assert "b_[red]wrong invalid - - b_[red]wrong.py" in words
    # What is no result is not kept, and done again the next time.
    assert not list(tmp_path.glob("runs/tiny/a_ours/*/result.json"))


def test_pages_are_written_of_what_is_stored(score, folder, tmp_path):
    ended = score(folder, "--keep-going", "--html")

    assert ended.code == 1
    assert "3 submissions: " in ended.out
    assert list(tmp_path.glob("runs/tiny/c_sound/*/report.html"))
    assert not list(tmp_path.glob("runs/tiny/a_ours/*/report.html"))


def test_with_json_the_table_is_prose(score, folder, one_object):
    ended = score(folder, "--keep-going", "--json")

    assert ended.code == 1
    found = {r["submission"]: r for r in one_object(ended.out)["results"]}
    assert found["a_ours"]["status"] == "harness-error"
    assert "UnlearnEvalError: the disk is gone." in found["a_ours"]["traceback"]
    assert "3 submissions: " in ended.err


def test_one_submission_needs_no_table(score, folder):
    assert "submissions: " not in score(folder / "c_sound.py").out
