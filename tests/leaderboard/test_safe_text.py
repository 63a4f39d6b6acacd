"""Strangers' words in a spreadsheet, in Markdown and in a CSV file."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import CheckFailed
from harness.leaderboard.columns import COLUMNS, PRIVATE, cells_of
from harness.leaderboard.csv_table import csv_text, parse_csv
from harness.leaderboard.markdown import markdown_table
from harness.leaderboard.row import Role, Row
from harness.leaderboard.safe_text import markdown_text, plain_text, spreadsheet_text

words = st.text(max_size=60) | st.text("=+-@|`*_<>[]&\\\r\n\t\x1b\x00 a", max_size=30)


def one(title, **fields):
    plain = {"submission": "x", "n_models": 4, "track": "t", "bank": "b"}
    return Row(title=title, role=Role.RANKED, rank=1, **{**plain, **fields})


@given(words)
def test_no_control_character_survives(text):
    for shown in (plain_text(text), spreadsheet_text(text), markdown_text(text)):
        assert shown.isprintable()


@given(words)
def test_no_cell_is_a_formula(text):
    assert not spreadsheet_text(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("text", ["=1+1", "  =cmd|' /C calc'!A0", "@SUM(A1)", "＝1"])
def test_a_formula_becomes_text(text):
    assert spreadsheet_text(text) == "'" + text.strip()


@given(words)
def test_a_title_never_breaks_its_table_row(text):
    escaped = markdown_text(text)
    bare = re.sub(r"\\.", "", escaped)
    assert not set(bare) & set("|<>`*_[]&\\")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("<script>", r"\<script\>"),
        ("a | b", r"a \| b"),
        ("[x](http://evil)", r"\[x\](http\://evil)"),
        ("www.evil.com", r"www\.evil.com"),
        ("\x1b[2J", r"\\x1b\[2J"),
        ("two\nlines", "two lines"),
    ],
)
def test_markup_is_shown_letter_for_letter(text, wanted):
    assert markdown_text(text) == wanted


@given(st.lists(words, min_size=1, max_size=4))
def test_csv_is_read_back_cell_by_cell(titles):
    cells = cells_of([one(title) for title in titles], private=True)
    assert parse_csv(csv_text(cells), "x.csv") == cells


@given(words, words)
def test_markdown_has_as_many_cells_in_each_row(title, reason):
    row = one(title, reason=reason, flags="a b", score=0.5)
    page = markdown_table(cells_of([row], private=False), "t")
    lines = [line for line in page.split("\n") if line.startswith("|")]
    cells = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines}
    assert len(lines) == 3
    assert len(cells) == 1


def test_columns_stand_in_the_documented_order():
    cells = cells_of([one("A")], private=False)
    assert csv_text(cells).partition("\n")[0] == ",".join(COLUMNS)
    private = csv_text(cells_of([one("A")], private=True))
    assert private.partition("\n")[0] == ",".join(COLUMNS + PRIVATE)


def test_numbers_have_fixed_digits_and_missing_ones_are_empty():
    row = one("A", score=1 / 3, ra_ratio=1.0, certified_epsilon=0.0)
    (cells,) = cells_of([row], private=False)
    assert cells["score"] == "0.333333"
    assert cells["ra_ratio"] == "1.0000"
    assert cells["certified_epsilon"] == "0.0000"
    assert cells["score_low"] == cells["seed"] == ""


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "\x00", '"unended', ",".join(COLUMNS) + "\n1,2\n"]
)
def test_what_is_no_table_of_ours_is_refused(text):
    with pytest.raises(CheckFailed, match=r"x\.csv is not as it was generated"):
        parse_csv(text, "x.csv")
