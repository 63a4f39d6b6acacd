"""How many inputs the fuzz tests try: UNLEARN_EVAL_FUZZ of them, or 100 each."""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

N_INPUTS = int(os.environ.get("UNLEARN_EVAL_FUZZ", "100"))

settings.register_profile(
    "fuzz",
    max_examples=N_INPUTS,
    # The same inputs in every session: what fails once fails again.
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@st.composite
def mutated(draw, content: bytes) -> bytes:
    """A file with a few bytes flipped, cut out, doubled or put in."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, max(0, len(data) - 1)))
        stop = start + draw(st.integers(0, 40))
        match draw(st.sampled_from(["flip", "cut", "double", "insert", "end"])):
            case "flip" if data:
                data[start] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[start:stop]
            case "double":
                data[start:start] = data[start:stop]
            case "insert":
                data[start:start] = draw(st.binary(max_size=20))
            case "end":
                del data[start:]
    return bytes(data)


@pytest.fixture(scope="session")
def mutations():
    """Makes strategies of damaged copies of a file."""
    return mutated


#: Any JSON, NaN and lone surrogates too.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.fixture(scope="session")
def any_json():
    return JSON
