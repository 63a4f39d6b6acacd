"""Seeds derived by a stable hash."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.seeds import derive_seed

PARTS = st.lists(st.one_of(st.text(max_size=5), st.integers()), max_size=4)


def test_a_seed_is_the_same_for_ever():
    assert derive_seed("a1b2", "run", 7) == 7058945717598326397


def test_a_seed_is_the_same_in_another_process():
    code = "from harness.seeds import derive_seed; print(derive_seed('x', 3))"
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)

    assert int(answer.stdout) == derive_seed("x", 3)


@given(PARTS, PARTS)
def test_other_parts_give_another_seed(first, second):
    same = [(type(x), x) for x in first] == [(type(x), x) for x in second]

    assert (derive_seed(*first) == derive_seed(*second)) == same


@pytest.mark.parametrize(
    ("first", "second"), [(("1",), (1,)), (("ab", "c"), ("a", "bc")), ((1, 2), (12,))]
)
def test_parts_that_look_alike_are_not_taken_for_each_other(first, second):
    assert derive_seed(*first) != derive_seed(*second)


@given(PARTS)
def test_a_seed_fits_every_generator(parts):
    assert 0 <= derive_seed(*parts) < 2**63
