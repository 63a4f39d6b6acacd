"""Progress off a terminal: a few plain lines on stderr."""

import pytest

from harness.cli.progress import ProgressListener, one_line
from harness.status import Status
from tests.typed_results import measured, typed_result


def work(listener, total, done=0) -> None:
    listener.begin("work", total, done)
    for _ in range(total - done):
        listener.advance()
    listener.end()


def test_it_says_what_begins_and_four_times_how_far_it_is(capsys):
    work(ProgressListener(quiet=False, bars=True), 8)

    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "work: 8 to do",
        "work: 2 of 8",
        "work: 4 of 8",
        "work: 6 of 8",
        "work: 8 of 8",
    ]


def test_it_says_what_was_done_before(capsys):
    work(ProgressListener(quiet=False, bars=True), 64, done=60)

    assert capsys.readouterr().err.splitlines() == [
        "work: 64 to do, 60 of them done before",
        "work: 64 of 64",
    ]


def test_quiet_says_nothing(capsys):
    listener = ProgressListener(quiet=True, bars=True)
    work(listener, 3)
    listener.say("news")

    assert capsys.readouterr() == ("", "")


def test_words_are_shown_letter_for_letter_and_never_broken(capsys):
    line = "[red]" + "long words " * 20 + "[/nothing] :smile:"
    ProgressListener(quiet=False, bars=False).say(line)

    assert capsys.readouterr().err == line + "\n"


def test_a_bar_is_shown_on_a_terminal_unless_it_is_not_wanted(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    work(ProgressListener(quiet=False, bars=True), 3)
    with_bar = capsys.readouterr().err
    work(ProgressListener(quiet=False, bars=False), 3)

    assert "\x1b[" in with_bar
    assert "work: 3 of 3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "reference", "line"),
    [
        (Status.SCORED, False, "m: scored 0.0612, 0.13 of a retraining"),
        (Status.ERROR, False, "m: error: it raised."),
        (Status.OVER_BUDGET, True, "m: reference: it raised."),
    ],
)
def test_each_outcome_is_a_line(status, reference, line):
    reason = "" if status == Status.SCORED else "it raised."
    result = typed_result(
        "m",
        status=status,
        about={"reference": reference},
        reason=reason,
        metrics=measured(),
    )

    assert one_line(result) == line
