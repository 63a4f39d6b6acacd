"""Progress off a terminal: a few plain lines on stderr."""

import pytest

from harness.cli.progress import ProgressListener, on_bar, one_line
from harness.reference.parallel import delayed, work_through
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


def test_a_bar_says_how_fast_it_goes_and_what_is_left_however_slow(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    now = 0.0
    with ProgressListener(quiet=False, bars=True) as listener:
        listener._console.get_time = lambda: now
        listener.begin("models", 10, 4)
        for _ in range(3):
            now += 60
            listener.advance()

    told = capsys.readouterr().err
    assert "60.0 s each" in told
    assert "7/10" in told
    assert "0:03:00" in told  # elapsed, and left


def test_what_takes_a_minute_or_so_writes_no_lines(capsys):
    work(ProgressListener(quiet=False, bars=True, lines=False), 8)

    assert capsys.readouterr() == ("", "")


def test_things_on_their_way_are_passed_on_and_counted_on_a_terminal_alone(
    capsys, monkeypatch
):
    shown = on_bar("fetching s3://x")
    assert list(shown(iter("abc"), 3)) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("FORCE_COLOR", "1")

    assert list(shown(iter("abc"), 3)) == ["a", "b", "c"]

    told = capsys.readouterr().err
    assert "fetching s3://x" in told
    assert "3/3" in told


def test_work_is_counted_and_comes_in_order():
    class Counts:
        told = ()

        def begin(self, *words):
            self.told += (words,)

        def advance(self):
            self.told += ("one",)

        def end(self):
            self.told += ("end",)

    counts = Counts()

    found = work_through([delayed(divmod)(n, 2) for n in (5, 4)], 1, "halves", counts)

    assert found == [(2, 1), (2, 0)]
    assert counts.told == (("halves", 2, 0), "one", "one", "end")


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
