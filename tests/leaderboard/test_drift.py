"""What is called a difference, and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.leaderboard.drift import (
    figure_differences,
    n_figures,
    table_differences,
    text_differences,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5) | st.floats(-1e6, 1e6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


def places(differences):
    return [difference.place for difference in differences]


@given(json_values)
def test_a_value_does_not_differ_from_itself(value):
    assert figure_differences(value, value, "x") == []


@given(st.floats(1e-3, 1e3), st.sampled_from([1e-12, -1e-12]))
def test_the_last_digits_may_differ(value, by):
    assert figure_differences(value, value * (1 + by), "x") == []


@given(st.floats(1e-3, 1e3), st.sampled_from([1e-6, -1e-6]))
def test_a_millionth_is_a_difference(value, by):
    assert places(figure_differences(value, value * (1 + by), "x")) == ["x"]


@pytest.mark.parametrize(
    ("committed", "computed", "place"),
    [
        ({"a": 1}, {"a": 2}, "x.a"),
        ({"a": 1}, {}, "x.a"),
        ({}, {"a": 1}, "x.a"),
        ({"a": [1, 2]}, {"a": [1, 3]}, "x.a[1]"),
        ([1], [1, 2], "x[1]"),
        ([1, 2], [1], "x[1]"),
        (None, 0.0, "x"),
        (True, 1, "x"),
        ("1", 1, "x"),
        ({}, [], "x"),
    ],
)
def test_anything_else_is_a_difference_with_its_place(committed, computed, place):
    assert places(figure_differences(committed, computed, "x")) == [place]


def test_every_value_counts_as_a_figure():
    assert n_figures({"a": [1, 2, {"b": None}], "c": "d"}) == 4


def table(*names, score="0.5"):
    return [{"submission": name, "score": score} for name in names]


def test_rows_are_told_by_name():
    found = table_differences(table("a", "b", "x"), table("a", "b", "c"))
    assert places(found) == ["row c", "row x"]


def test_a_cell_is_told_by_row_and_column():
    (found,) = table_differences(table("a", score="0.6"), table("a"))
    assert str(found) == "row a, column score: committed 0.6, computed 0.5"


def test_an_empty_cell_is_seen():
    (found,) = table_differences(table("a", score=""), table("a"))
    assert str(found).endswith("committed (empty), computed 0.5")


def test_another_order_is_a_difference():
    assert places(table_differences(table("b", "a"), table("a", "b"))) == [
        "order of rows"
    ]


def test_a_row_that_stands_twice_is_a_difference():
    assert places(table_differences(table("a", "a"), table("a"))) == ["row a"]


def test_lines_are_told_by_number():
    (found,) = text_differences("a\nb\n", "a\nc\n", "x.md")
    assert str(found) == "x.md, line 2: committed 'b', computed 'c'"


def test_an_added_line_is_a_difference():
    assert len(text_differences("a\n\n", "a\n", "x.md")) == 1
