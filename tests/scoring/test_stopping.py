"""A scoring may end at a smaller N that says enough, and goes on from there later."""

from types import SimpleNamespace

import pytest

from harness.errors import UsageError
from harness.results.measured import Metrics, Number
from harness.results.schema import Result
from harness.sandbox import Level, Sandbox
from harness.scoring import stopping
from harness.scoring.scorer import Scorer
from harness.scoring.stopping import (
    half_width,
    looks,
    precise,
    score_until,
    separable_from,
)
from harness.storage.shipped import shipped_submissions

IDENTITY = shipped_submissions() / "identity.py"


@pytest.fixture
def scorer(settings, executor, heard, monkeypatch):
    """Looks at N = 2, 4 and 8."""
    monkeypatch.setattr(stopping, "LEAST_MODELS", 2)
    with Scorer(settings(n_models=8), heard, Sandbox(Level.NONE)) as scorer:
        yield scorer


def number(value, low, high):
    return Number(value=value, low=low, high=high)


def test_looks_are_halves_down_to_the_smallest_that_says_something():
    assert looks(64) == [16, 32, 64]
    assert looks(50) == [25, 50]
    assert looks(20) == [20]


def test_it_ends_at_the_first_look_that_says_enough(scorer, method, executor):
    asked = []

    def stop(result: Result, folder) -> bool:
        asked.append((result.n_models, folder.read().n_models))
        return result.n_models == 4

    result = score_until(scorer, method, stop)

    assert asked == [(2, 2), (4, 4)]
    assert (result.n_models, result.n_finished) == (4, 4)
    assert executor.started[-4:] == [0, 1, 2, 3]
    assert scorer.settings.n_models == 8


def test_what_never_says_enough_is_scored_with_all_models(scorer, method):
    result = score_until(scorer, method, lambda *_: False)

    assert result.n_models == 8


def test_a_larger_n_goes_on_from_where_it_ended(scorer, method, heard):
    score_until(scorer, method, lambda *_: True)
    scorer.score(method)

    assert heard.begun[-1] == ("method", 8, 2)


def test_what_fails_is_not_looked_at(scorer, write):
    path = write("def unlearning(net, retain, forget, validation):\n    return 3\n")

    result = score_until(scorer, path, lambda *_: pytest.fail("was asked"))

    assert (result.status, result.n_models) == ("invalid", 2)


def test_the_precision_is_that_of_the_score_that_ranks():
    close, wide = number(0.2, 0.19, 0.21), number(0.2, 0.1, 0.3)
    metrics = Metrics(score=wide, calibrated_score=close)

    assert half_width(metrics.ranked_score) == pytest.approx(0.05)
    assert half_width(Metrics(score=wide).ranked_score) == pytest.approx(0.5)
    assert half_width(None) == half_width(number(0.2, None, None)) == float("inf")
    assert half_width(number(0.0, 0.0, 0.0)) == float("inf")


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_a_precision_must_be_a_share(share):
    with pytest.raises(UsageError, match=r"--precision .* is not in \(0, 1\)"):
        precise(share)


def test_a_submission_is_never_told_from_itself(scorer, monkeypatch):
    monkeypatch.setattr(stopping, "LEAST_MODELS", 4)
    scorer.score(IDENTITY)
    words = (scorer.settings.output, "tiny", 8)

    result = score_until(scorer, IDENTITY, separable_from("identity", *words))

    assert result.n_models == 8
    with pytest.raises(UsageError, match="no complete result of 'nothing'"):
        separable_from("nothing", *words)


@pytest.mark.parametrize(("p_value", "n_models"), [(0.02, 4), (0.03, 8)])
def test_each_look_may_err_with_an_equal_share(scorer, monkeypatch, p_value, n_models):
    monkeypatch.setattr(stopping, "LEAST_MODELS", 4)
    scorer.score(IDENTITY)
    found = SimpleNamespace(ranked=SimpleNamespace(p_value=p_value))
    monkeypatch.setattr(stopping, "compare_results", lambda *_, **__: found)
    rule = separable_from("identity", scorer.settings.output, "tiny", 8)

    result = score_until(scorer, IDENTITY, rule)

    assert result.n_models == n_models


def test_rules_exclude_each_other_and_an_official_score(cli, method, track_file):
    words = ("score", method, "--track", track_file, "-n", 8)

    ended = cli(*words, "--precision", 0.1, "--until-separable", "finetune")
    assert ended.code == 2
    assert "--precision, --until-separable and --official exclude" in ended.err
