"""The score card fits a terminal of 80 columns, whatever is on it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.flags.flag import Flag, FlagCode
from harness.metrics.official.diagnosis import Diagnosis
from harness.results.card import score_card
from harness.results.schema import MachineCost, Metrics, Result
from harness.status import Status
from tests.typed_results import accuracy, measured, number, typed_result

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


def result(status=Status.SCORED, name="method", title="", *, reference=False, **more):
    about = {"title": title, "reference": reference}
    made = {"track": "cifar10-quick"}
    metrics = {"metrics": measured(), **more}
    return typed_result(
        name, status=status, n_models=64, about=about, made=made, **metrics
    )


def widest(card: str) -> int:
    return max(len(line) for line in card.splitlines())


def test_a_card_shows_each_number_with_its_interval_ceiling_and_floor():
    calibrated = number(0.05, 0.04, 0.06, share_of_ceiling=0.33, ceiling=0.17)
    metrics = measured(calibrated_score=calibrated)
    lines = score_card(result(title="My method", metrics=metrics)).splitlines()

    assert "cifar10-quick · My method" in lines[0]
    found, official = (
        next(line.split() for line in lines if f"│ {name} score " in line)
        for name in ("calibrated", "official")
    )
    assert found == [
        *("│", "calibrated", "score", "0.0500", "0.0400", "to", "0.0600"),
        *("0.1700", "0.0000", "│"),
    ]
    assert official == [
        *("│", "official", "score", "0.0612", "0.0500", "to", "0.0700"),
        *("0.1900", "0.0000", "│"),
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
    score = number(value or 0.0, low=low, high=low, ceiling=ceiling)
    flags = (Flag(FlagCode.ATTACK_GAP, title, {}),)
    metrics = measured(score=score, flags=flags)
    card = score_card(result(name=name or "x", title=title, metrics=metrics))

    assert widest(card) <= 80


@pytest.mark.parametrize(
    "title", ["[b]bold", "a [/b] c", "[/]", "[link=x]y", "\\[x", ":smile:"]
)
def test_a_title_is_shown_letter_for_letter(title):
    assert f"cifar10-quick · {title} ─" in score_card(result(title=title))


@pytest.mark.parametrize("text", ["[red]a[/red]", "[/nothing]", ":warning:"])
def test_words_of_a_failure_are_shown_letter_for_letter(text):
    failed = result(Status.ERROR, reason=text, traceback=text, metrics=Metrics())

    assert score_card(failed).count(text) == 2


def test_a_failure_shows_its_reason_traceback_and_how_to_repeat_it():
    card = score_card(
        result(
            Status.ERROR,
            reason="run 3 (seed 7): it raised ValueError: no.",
            traceback='Traceback (most recent call last):\n  File "method.py", line 2',
            repeat="unlearn-eval validate method.py --track cifar10-quick --seed 7",
            metrics=Metrics(),
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
        metrics=Metrics(efficiency=measured().efficiency),
    )

    card = score_card(stopped)

    assert "over-budget: it costs 3.00 of a retraining" in card
    assert widest(card) <= 80


def test_colours_and_control_characters_are_not_on_a_card():
    assert "\x1b" not in score_card(result())


def test_a_ratio_that_does_not_exist_is_a_dash():
    """A bank whose models are all wrong has no ratio."""
    card = score_card(result(metrics=measured(retain_accuracy=accuracy(0.0, None))))

    assert "Ratios RA -, TA 0.980" in card


def test_only_scored_submissions_that_are_no_reference_are_ranked():
    assert result().is_ranked
    assert not result(reference=True).is_ranked
    assert not result(Status.OVER_BUDGET).is_ranked


def test_a_card_says_what_to_work_on_first():
    """The spread promises more here than the shift."""
    why = Diagnosis(shift=0.31, spread=0.6, centred=0.05, rescaled=0.14)
    words = " ".join(score_card(result(metrics=measured(diagnosis=why))).split())
    spread = words.index("Too little randomness: the spread over runs is 0.60")
    assert spread < words.index("Shift: the mean of the runs is 0.31")
    assert "would be 0.1400" in words
    rest = score_card(result(metrics=measured(diagnosis=replace(why, spread=1.3))))
    assert "Too much randomness" in rest


def test_a_card_names_the_machines_of_a_cluster_and_what_retraining_cost_there():
    def card(n_machines: int) -> str:
        machines = tuple(
            MachineCost(
                name=f"n{i}: some processor",
                arithmetic="same" if n_machines < 3 else f"a{i}",
                n_runs=2,
                retraining_seconds=(2.0 + i, 1.0 + i, 9.0),
            )
            for i in range(n_machines)
        )
        one = typed_result(made={"machines": machines}, metrics=measured())
        assert Result.from_dict(one.to_dict()) == one
        return " ".join(score_card(one).replace("│", " ").split())

    two, many = card(2), card(9)

    words = "machines of a cluster took part (a retraining: "
    assert f"2 {words}n0 2.0 s, n1 3.0 s)." in two
    assert "arithmetic" not in two
    assert f"9 {words}2.0 to 9.0 s)." in many
    assert "Their arithmetic differs" in many
    assert "machines" not in score_card(result())
    assert '"machines"' not in str(typed_result().to_dict())
