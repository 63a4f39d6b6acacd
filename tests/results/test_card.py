"""The score card fits a terminal of 80 columns, whatever is on it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.results.card import is_ranked, score_card
from harness.results.schema import Result
from harness.status import Status

NUMBERS = st.one_of(
    st.none(), st.floats(-1e6, 1e6), st.sampled_from([0.0, 1e-12, 50.0, 12345.678])
)
PRINTABLE = st.text(
    st.characters(
        exclude_categories=("C", "Z", "M"),
        max_codepoint=0x2FF,
    ),
    max_size=200,
)


def metric(value=0.0612, **more):
    content = {"value": value, "low": 0.05, "high": 0.07, "direction": "higher"}
    return {**content, "ceiling": 0.19, "floor": 0.0, **more}


def metrics(**more):
    return {
        "score": metric(share_of_ceiling=0.33),
        "forgetting_quality": metric(),
        "retain_accuracy": metric(0.77, ratio=0.99),
        "test_accuracy": metric(0.54, ratio=0.98),
        "forget_accuracy": metric(0.56, ratio=1.0),
        "epsilon": {"value": 2.5, "undetermined": 3, "peaky": 0},
        "efficiency": {
            "ratio": 0.13,
            "low": 0.12,
            "high": 0.14,
            "cap": 0.2,
            "cost_seconds": 1.0,
            "retraining_seconds": 7.7,
        },
        "flags": [],
        **more,
    }


def result(status=Status.SCORED, name="method", title="", **more) -> Result:
    return Result(
        submission={"name": name, "title": title, "reference": False},
        status=status,
        n_models=64,
        n_finished=64,
        provenance={
            "track": "cifar10-quick",
            "isolation": {"level": "none", "not_enforced": ["files", "network"]},
        },
        **{"metrics": metrics(), **more},
    )


def widest(card: str) -> int:
    return max(len(line) for line in card.splitlines())


def test_a_card_shows_each_number_with_its_interval_ceiling_and_floor():
    lines = score_card(result(title="My method")).splitlines()

    assert "cifar10-quick · My method" in lines[0]
    score = next(line for line in lines if "│ score " in line)
    assert score.split() == [
        *("│", "score", "0.0612", "0.0500", "to", "0.0700", "0.1900", "0.0000", "│")
    ]
    efficiency = next(line for line in lines if "efficiency ratio" in line)
    assert "0.130" in efficiency
    assert "cap 0.20" in efficiency
    assert any("3 examples undetermined" in line for line in lines)
    assert any("33%" in line for line in lines)


def test_every_line_of_a_card_is_as_wide_as_the_next():
    lines = score_card(result()).splitlines()

    assert {len(line) for line in lines} == {80}


@settings(max_examples=60, deadline=None)
@given(PRINTABLE, PRINTABLE, NUMBERS, NUMBERS, NUMBERS)
def test_a_card_is_never_wider_than_80_columns(name, title, value, low, ceiling):
    score = metric(value or 0.0, low=low, high=low, ceiling=ceiling)
    flags = [{"code": "x", "message": title}]
    card = score_card(
        result(name=name or "x", title=title, metrics=metrics(score=score, flags=flags))
    )

    assert widest(card) <= 80


@pytest.mark.parametrize(
    "title", ["[b]bold", "a [/b] c", "[/]", "[link=x]y", "\\[x", ":smile:"]
)
def test_a_title_is_shown_letter_for_letter(title):
    assert f"cifar10-quick · {title} ─" in score_card(result(title=title))


@pytest.mark.parametrize("text", ["[red]a[/red]", "[/nothing]", ":warning:"])
def test_words_of_a_failure_are_shown_letter_for_letter(text):
    failed = result(Status.ERROR, reason=text, traceback=text, metrics={})

    assert score_card(failed).count(text) == 2


def test_a_failure_shows_its_reason_traceback_and_how_to_repeat_it():
    card = score_card(
        result(
            Status.ERROR,
            reason="run 3 (seed 7): it raised ValueError: no.",
            traceback='Traceback (most recent call last):\n  File "method.py", line 2',
            repeat="unlearn-eval validate method.py --track cifar10-quick --seed 7",
            metrics={},
        )
    )

    words = " ".join(card.replace("│", " ").split())
    assert "error: run 3 (seed 7): it raised ValueError: no." in words
    assert 'File "method.py", line 2' in words
    assert "validate method.py --track cifar10-quick --seed 7" in words


def test_an_over_budget_submission_that_was_stopped_shows_its_cost():
    stopped = result(
        Status.OVER_BUDGET,
        reason="it costs 3.00 of a retraining; the cap is 0.20.",
        metrics={"efficiency": metrics()["efficiency"]},
    )

    card = score_card(stopped)

    assert "over-budget: it costs 3.00 of a retraining" in card
    assert widest(card) <= 80


def test_colours_and_control_characters_are_not_on_a_card():
    assert "\x1b" not in score_card(result())


def test_a_ratio_that_does_not_exist_is_a_dash():
    """A bank whose models are all wrong has no ratio."""
    card = score_card(result(metrics=metrics(retain_accuracy=metric(0.0, ratio=None))))

    assert widest(card) <= 80


def test_only_scored_submissions_that_are_no_reference_are_ranked():
    oracle = result()
    oracle.submission["reference"] = True

    assert is_ranked(result())
    assert not is_ranked(oracle)
    assert not is_ranked(result(Status.OVER_BUDGET))
