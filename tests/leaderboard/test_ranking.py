"""Ranks that are shared by what cannot be told apart."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.leaderboard.ranking import separably_better, shared_ranks
from harness.metrics.uncertainty.paired import difference_of
from harness.metrics.uncertainty.scored_submission import ScoredSubmission
from tests.metrics.tables import outputs


def upper(flags, size):
    """Place flags above the diagonal: only a higher score can be better."""
    better = np.zeros((size, size), dtype=bool)
    better[np.triu_indices(size, k=1)] = flags
    return better


tables = st.integers(0, 12).flatmap(
    lambda size: st.lists(
        st.booleans(), min_size=size * (size - 1) // 2, max_size=size * (size - 1) // 2
    ).map(lambda flags: upper(flags, size))
)


@given(tables)
def test_a_worse_score_never_gets_a_better_rank(better):
    ranks = shared_ranks(better)
    assert ranks == sorted(ranks)


@given(tables)
def test_a_rank_is_between_its_definition_and_its_place(better):
    for place, rank in enumerate(shared_ranks(better)):
        assert 1 + better[:, place].sum() <= rank <= place + 1


@given(st.integers(0, 12))
def test_rows_that_all_differ_are_numbered(size):
    assert shared_ranks(upper(True, size)) == list(range(1, size + 1))


@given(st.integers(0, 12))
def test_rows_of_which_none_differ_are_all_first(size):
    assert shared_ranks(upper(False, size)) == [1] * size


def test_a_noisy_row_does_not_overtake_a_quiet_one_above_it():
    # The last row can be told from nothing, the third only from the first two.
    better = np.zeros((4, 4), dtype=bool)
    better[[0, 1], 2] = True
    assert shared_ranks(better) == [1, 1, 3, 3]


def test_pairs_are_compared_over_new_models_and_new_examples():
    rng = np.random.default_rng(0)
    bank = outputs(rng.normal(size=(16, 20)))
    shifts = (0.0, 0.3, 0.6, 0.9, 3.0)
    drawn = [outputs(rng.normal(shift, 1, size=(16, 20))) for shift in shifts]
    sides = [ScoredSubmission.of(side, bank, seed=1) for side in drawn]
    sides.sort(key=lambda side: -side.value)
    better = separably_better(sides)
    for i, j in np.ndindex(better.shape):
        difference = difference_of(sides[i], sides[j], examples="drawn")
        wanted = difference.separable and difference.difference > 0
        assert better[i, j] == wanted
    assert better.any()


def test_too_few_models_for_an_interval_are_told_apart_from_nothing():
    rng = np.random.default_rng(0)
    bank = outputs(rng.normal(size=(16, 20)))
    far = [outputs(rng.normal(shift, 1, size=(16, 20))) for shift in (0.0, 9.0)]
    sides = [ScoredSubmission.of(side, bank, seed=1) for side in far]
    assert separably_better(sides)[0, 1]
    assert not separably_better([sides[0], None]).any()
    assert not separably_better([None, sides[1]]).any()
