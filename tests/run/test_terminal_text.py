"""A stranger's output is made safe to show."""

from hypothesis import given
from hypothesis import strategies as st

from harness.plain_text import escape_controls, head_and_tail


def test_control_characters_become_what_they_are():
    assert escape_controls("a\x1b[1m\r\x00\x7f\x9b") == "a\\x1b[1m\\r\\x00\\x7f\\x9b"


def test_new_lines_tabs_and_every_alphabet_stay():
    assert escape_controls("a\n\tä 漢 €") == "a\n\tä 漢 €"


def test_characters_that_turn_text_around_are_escaped():
    assert escape_controls("\u202egpj.exe") == "\\u202egpj.exe"


@given(st.text())
def test_what_comes_out_can_be_printed_and_sent(text):
    safe = escape_controls(text)

    assert all(c in "\n\t" or c.isprintable() for c in safe)
    safe.encode()


def test_short_output_is_kept_whole():
    assert head_and_tail(b"all of it", 20) == "all of it"


def test_long_output_keeps_both_ends_and_says_how_much_is_gone():
    text = head_and_tail(b"begin" + b"." * 100 + b"end.!", 10)

    assert text == "begin\n[... 100 bytes left out ...]\nend.!"


@given(st.binary(max_size=300), st.integers(2, 40))
def test_any_bytes_can_be_shown(data, limit):
    text = head_and_tail(data, limit)

    assert len(text) <= 10 * limit + 60
