"""Strangers' words in a spreadsheet, in Markdown and in a CSV file."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import CheckFailed
from harness.leaderboard.cells import csv_text, parse_csv, records, table_of
from harness.leaderboard.columns import (
    Role,
    Row,
    columns_of,
    one_line,
    spreadsheet_text,
)
from harness.leaderboard.markdown import markdown_table, markdown_text
from harness.leaderboard.stored import Refused
from harness.leaderboard.terminal import terminal_table

BOARD = Path(__file__).parents[2] / "submissions" / "leaderboard"
PUBLIC, ALL = (
    [column.name for column in columns_of(private=private)] for private in (False, True)
)

words = st.text(max_size=60) | st.text("=+-@|`*_<>[]&\\\r\n\t\x1b\x00 a", max_size=30)


def one(title, **fields):
    plain = {"submission": "x", "n_models": 4, "track": "t", "bank": "b"}
    return Row(title=title, rank=1, **{"role": Role.RANKED, **plain, **fields})


@given(words)
def test_no_control_character_survives(text):
    for shown in (one_line(text), spreadsheet_text(text), markdown_text(text)):
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
    cells = table_of([one(title) for title in titles], private=True)
    assert parse_csv(csv_text(cells), "x.csv").equals(cells)
    assert [row["title"] for row in records(cells)] == [*map(spreadsheet_text, titles)]


@given(words, words)
def test_markdown_has_as_many_cells_in_each_row(title, reason):
    row = one(title, reason=reason, flags="a b", score=0.5)
    page = markdown_table(table_of([row], private=False), "t")
    lines = [line for line in page.split("\n") if line.startswith("|")]
    cells = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines}
    assert len(lines) == 3
    assert len(cells) == 1


def test_columns_stand_in_the_documented_order():
    cells = table_of([one("A")], private=False)
    assert csv_text(cells).partition("\n")[0] == ",".join(PUBLIC)
    private = csv_text(table_of([one("A")], private=True))
    assert private.partition("\n")[0] == ",".join(ALL)


def test_numbers_have_fixed_digits_and_missing_ones_are_empty():
    row = one("A", score=1 / 3, ra_ratio=1.0, certified_epsilon=0.0)
    (cells,) = records(table_of([row], private=False))
    assert cells["score"] == "0.333333"
    assert cells["ra_ratio"] == "1.0000"
    assert cells["certified_epsilon"] == "0.0000"
    assert cells["score_low"] == cells["seed"] == ""


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "\x00", '"unended', ",".join(PUBLIC) + "\n1,2\n"]
)
def test_what_is_no_table_of_ours_is_refused(text):
    with pytest.raises(CheckFailed, match=r"x\.csv is not as it was generated"):
        parse_csv(text, "x.csv")


def test_a_ragged_row_is_refused_by_its_number():
    text = csv_text(table_of([one("A"), one("B")], private=False))
    short, long = text.rstrip("\n").rpartition(",")[0] + "\n", text[:-1] + ",c\n"
    with pytest.raises(CheckFailed, match="row 2 has 36 cells, not 37"):
        parse_csv(short, "x.csv")
    with pytest.raises(CheckFailed, match="it is no CSV table"):
        parse_csv(long, "x.csv")


@settings(max_examples=30)
@given(words)
def test_a_stranger_cannot_mark_up_the_terminal(text):
    hostile = f"[bold red]:bug:{text}"
    table = table_of([one("A", reason=hostile, role=Role.UNRANKED)], private=False)
    shown = terminal_table(table, [Refused("x", 0, hostile)])
    assert spreadsheet_text(hostile).rstrip() in shown
    assert shown.replace("\n", "").isprintable()
    assert "\x1b[1m" in terminal_table(table, [], styled=True)


@pytest.mark.parametrize("cell", ["", "NA", "nan", "None", "1e5", "007", 'a"b', "1,2"])
def test_every_cell_stays_the_text_that_it_is(cell):
    table = table_of([one("A", reason=cell, flags=cell)], private=True)
    (row,) = records(parse_csv(csv_text(table), "x.csv"))
    assert (row["reason"], row["flags"]) == (cell, cell)


@pytest.mark.parametrize("page", sorted(BOARD.glob("*.md")), ids=lambda page: page.stem)
def test_the_committed_page_is_what_the_committed_table_gives(page):
    text = page.with_suffix(".csv").read_bytes().decode()
    table = parse_csv(text, "x.csv")
    assert csv_text(table) == text
    assert markdown_table(table, page.stem).encode() == page.read_bytes()
