"""The cost of a retraining is measured once, and again when its record is damaged."""

import shutil
from collections.abc import Callable

import pytest

from harness.errors import CheckFailed
from harness.reference.location import built_folder
from harness.results.card import score_card


@pytest.fixture
def own(own_cache, bank, task) -> Callable[[], list]:
    """A cache with the bank and no calibration; lists its calibrations."""
    shutil.copytree(bank.folder, built_folder(task))
    return lambda: list((own_cache / "calibration").glob("*.json"))


def measured(heard) -> int:
    return sum(what.startswith("measuring one") for what, _, _ in heard.begun)


def test_it_is_measured_at_the_first_score_and_kept(own, score, heard, method, write):
    score(method)
    assert measured(heard) == 1
    assert heard.begun[0] == ("measuring one retraining, once per machine", 3, 0)

    score(write("def unlearning(*a): pass", "other.py"))

    assert measured(heard) == 1
    assert len(own()) == 1


def test_a_damaged_record_is_measured_again(own, score, heard, method):
    score(method)
    (path,) = own()
    path.write_bytes(b"{}")

    score(method, force=True)

    assert measured(heard) == 2
    assert own()[0].read_bytes() != b"{}"


def test_other_conditions_are_measured_apart(own, score, heard, method):
    score(method)
    score(method, n_jobs=2, seed=5)

    assert measured(heard) == 2
    assert len(own()) == 2


def test_a_failing_oracle_is_our_failure_not_the_submissions(
    own, score, method, write, monkeypatch
):
    broken = write("def unlearning(*a): raise OSError('no')", "retrain.py")
    monkeypatch.setattr("harness.scoring.retraining.oracle_path", lambda: broken)

    with pytest.raises(CheckFailed, match="the cap has no denominator: it raised OSE"):
        score(method)
    assert own() == []


def test_what_a_busy_machine_measured_is_used_told_and_not_kept(
    own, score, heard, method, monkeypatch
):
    monkeypatch.setattr("harness.execution.retraining.share_waited", lambda usages: 0.4)

    result = score(method)

    assert result.provenance.retraining_waited == 0.4
    assert any("waited 40% of their time" in line for line in heard.lines)
    assert "retrainings waited 40%" in " ".join(score_card(result).split())
    assert own() == []
