"""How two replicates agree."""

import itertools

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.leaderboard.agreement import agreement_of, kendall_tau


def row(score, second, low="0.1", high="0.3", role="ranked"):
    return {
        "role": role,
        "calibrated_score": "",
        "score": score,
        "score_low": low,
        "score_high": "0.25" if high else "",
        "repeat_low": low,
        "repeat_high": high,
        "score_second_replicate": second,
    }


def table(*rows):
    return pd.DataFrame(rows, dtype=str)


@given(st.permutations(range(6)))
def test_without_ties_tau_counts_the_pairs_in_order(order):
    pairs = itertools.combinations(range(6), 2)
    signs = [1 if order[i] < order[j] else -1 for i, j in pairs]
    assert kendall_tau(range(6), order) == pytest.approx(sum(signs) / len(signs))


@pytest.mark.parametrize("second", [[1.0, 1.0], [], [2.0]])
def test_tau_of_nothing_to_order_is_missing(second):
    assert kendall_tau([float(i) for i in range(len(second))], second) is None


def test_second_scores_are_counted_inside_the_first_interval():
    found = agreement_of(
        table(
            row("0.2", "0.1"),  # on the edge is inside
            row("0.2", "0.31"),
            row("0.2", "0.3"),  # too far for the mean, not for one repetition
            row("0.2", ""),
            row("0.2", "0.2", role="control"),
        )
    )
    assert (found.ranked, found.replicated) == (4, 3)
    assert (found.inside, found.inside_mean) == (2, 1)
    assert found.share_inside == 2 / 3


def test_without_intervals_nothing_is_said_to_be_inside():
    found = agreement_of(table(row("0.2", "0.1", low="", high="")))
    assert found.inside is None
    assert found.share_inside is None


def test_without_replicates_nothing_is_said():
    found = agreement_of(table(row("0.2", "")))
    assert (found.replicated, found.kendall_tau, found.share_inside) == (0, None, None)


def test_where_there_is_a_calibrated_score_it_is_that_which_is_compared():
    official = row("0.2", "0.9")
    names = {"repeat": "calibrated_repeat", "score": "calibrated"}
    intervals = {
        f"{ours}_{end}": official[f"{theirs}_{end}"]
        for theirs, ours in names.items()
        for end in ("low", "high")
    }
    scores = {"calibrated_score": "0.2", "calibrated_second_replicate": "0.2"}

    found = agreement_of(table(official | intervals | scores))

    assert (found.inside, found.inside_mean) == (1, 1)
