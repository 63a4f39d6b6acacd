import numpy as np
import pytest
from scipy.stats import norm

from harness.leaderboard.origin import submission_file
from harness.leaderboard.rerun import compare_reruns, widening
from harness.leaderboard.stored import StoredResult
from harness.results.schema import Metrics
from harness.status import Status
from tests.typed_results import measured, number, typed_result


def result(name="method", score=0.05, status=Status.SCORED, low=0.04, high=0.07):
    metrics = Metrics()
    if score is not None:
        ends = {"low_repeated": low, "high_repeated": high}
        metrics = measured(score=number(score, **ends))
    return typed_result(name, status=status, n_models=64, metrics=metrics)


def compared(*pairs):
    stored, now = zip(*pairs, strict=True)
    entries = [StoredResult(None, each, 0) for each in stored]
    return compare_reruns(entries, now)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["a.py"], "a.py"),
        (["a.py", "whole/a.py"], "whole/a.py"),
        (["a.py", "other/a.py"], "a.py"),
        (["whole/a.py"], "whole/a.py"),
        ([], "a.py"),
    ],
)
def test_a_track_has_its_own_submissions_before_those_of_all(files, found, tmp_path):
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert submission_file(tmp_path, "a", "whole") == tmp_path / found


@pytest.mark.parametrize(
    ("score", "inside"), [(0.04, True), (0.07, True), (0.038, False), (0.074, False)]
)
def test_one_row_must_lie_in_its_stored_interval(score, inside):
    (rerun,) = compared((result(), result(score=score)))

    assert (rerun.inside, rerun.reproduced) == (inside, inside)
    assert ("inside" if inside else "outside") in str(rerun)


def test_the_official_score_must_come_out_again_too():
    """It has a rank of its own, and made-up arrays can be false in it alone."""
    ends = {"low_repeated": 0.04, "high_repeated": 0.07}
    usual = number(0.05, **ends)
    forged = number(0.2, low_repeated=0.1, high_repeated=0.3)

    def scored(official):
        metrics = measured(score=official, calibrated_score=usual)
        return typed_result("method", status=Status.SCORED, metrics=metrics)

    (honest,) = compared((scored(usual), scored(usual)))
    (false,) = compared((scored(forged), scored(usual)))

    assert honest.reproduced
    assert (false.inside, false.reproduced) == (True, False)
    assert "the official score is not what was stored" in str(false)


def test_among_many_rows_a_little_outside_is_chance_and_far_outside_is_not():
    others = [(result(f"m{i}"), result(f"m{i}")) for i in range(19)]
    near, far = result(score=0.0375), result(score=0.02)

    near_by = compared((result(), near), *others)[0]
    far_off = compared((result(), far), *others)[0]

    assert not near_by.inside
    assert near_by.reproduced
    assert "than chance allows" in str(near_by)
    assert not far_off.reproduced


def test_all_rows_together_pass_in_95_percent_of_the_cases():
    rng = np.random.default_rng(0)
    deviations = np.abs(rng.normal(size=(4000, 20))).max(axis=1)

    passed = (deviations <= widening(20) * norm.ppf(0.975)).mean()

    assert widening(1) == 1.0
    assert 0.94 < passed < 0.96


@pytest.mark.parametrize("score", [None, 0.05])
def test_a_row_that_was_over_the_budget_must_be_so_again(score):
    stored = result(score=None, status=Status.OVER_BUDGET)

    (again,) = compared((stored, result(score=score, status=Status.OVER_BUDGET)))
    (scored,) = compared((stored, result()))

    assert again.reproduced
    assert not scored.reproduced
    assert "was over-budget" in str(scored)


def test_a_row_with_too_few_models_for_an_interval_says_what_became_of_it():
    narrow = result(low=None, high=None)

    (rerun,) = compared((narrow, result(score=0.9)))

    assert rerun.inside
    assert not rerun.reproduced
    assert str(rerun) == (
        "method: scored, with too few models for an interval to compare"
    )


def test_made_up_arrays_may_not_be_as_noisy_as_they_like():
    wide = result(score=0.05, low=0.0, high=0.2)
    honest = result(score=0.01, low=0.008, high=0.012)

    (rerun,) = compared((wide, honest))

    assert rerun.inside
    assert not rerun.reproduced
