"""A submission tried out through the path that scores, without a score."""

from collections.abc import Callable

import pytest

from harness.run.calibration import oracle_path
from harness.sandbox import Level, Sandbox
from harness.scoring.validation import Validation, validate_submission
from harness.storage.shipped import shipped_submissions


@pytest.fixture
def validate(settings, executor, heard) -> Callable[..., Validation]:
    def make(path, seeds=None):
        isolation = Sandbox(Level.NONE)
        return validate_submission(
            path, settings(), heard, seeds=seeds, isolation=isolation
        )

    return make


def test_a_valid_submission_runs_twice_with_other_seeds(validate, executor, method):
    validation = validate(method)

    assert validation.ok
    assert executor.started == [0, 1]
    assert len(validation.cost_seconds) == 2
    assert validation.to_dict()["valid"]
    assert not any("same weights" in note for note in validation.notes)


def test_all_problems_that_can_be_seen_are_told_without_a_run(
    validate, executor, write
):
    source = "async def unlearning(net, *, lr): pass"

    validation = validate(write(source, "wrong.py"))

    assert not validation.ok
    assert len(validation.problems) == 3
    assert executor.opened == 0


def test_a_run_that_fails_is_a_problem_with_its_traceback_and_output(validate, write):
    source = "def unlearning(*a):\n    print('before')\n    return 1 / 0\n"

    validation = validate(write(source, "wrong.py"))

    assert validation.problems == (
        "error: it raised ZeroDivisionError: division by zero.",
    )
    assert "return 1 / 0" in validation.traceback
    assert validation.output == "before\n"


def test_a_submission_that_fails_on_some_seeds_alone_is_not_valid(validate, write):
    source = "def unlearning(a, b, c, d, seed):\n    assert seed % 3"

    validation = validate(write(source, "moody.py"), seeds=[3, 4])

    assert not validation.ok
    assert "only some of the runs failed; one failure is enough." in validation.notes


def test_one_seed_is_one_run_with_just_that_seed(validate, executor, write):
    source = "def unlearning(a, b, c, d, seed): print(seed)"

    validation = validate(write(source, "talker.py"), seeds=[12345])

    assert executor.started == [0]
    assert validation.output == "12345\n"


def test_doing_nothing_is_valid_but_worth_a_note(validate):
    validation = validate(shipped_submissions() / "identity.py")

    assert validation.ok
    assert any("the weights did not move" in note for note in validation.notes)
    assert any("returned the same weights" in note for note in validation.notes)


@pytest.mark.usefixtures("own_cache")
def test_a_run_is_given_a_budget_as_when_it_is_scored(
    validate, write, bank, track, monkeypatch
):
    """Nothing was measured here yet: the bank's own cost stands in."""
    source = "def unlearning(a, b, c, d, budget_seconds): print(budget_seconds)"
    monkeypatch.setattr("harness.scoring.validation.find_bank", lambda track: bank)

    budget = float(validate(write(source, "talker.py")).output)

    cheapest, dearest = bank.seconds.min(), bank.seconds.max()
    assert cheapest <= budget / track.evaluation.cap <= dearest


def test_it_never_measures_a_retraining(
    validate, executor, heard, own_cache, *, method, bank, monkeypatch
):
    monkeypatch.setattr("harness.scoring.validation.find_bank", lambda track: bank)

    assert validate(method).ok
    assert heard.begun == [("method", 2, 0)]
    assert executor.started == [0, 1]
    assert not (own_cache / "calibration").exists()


def test_the_oracle_is_valid(validate):
    assert validate(oracle_path()).ok
