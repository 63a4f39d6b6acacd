"""Skip, with the reason, what this machine cannot show."""

import pytest

from harness.sandbox import why_not


@pytest.fixture
def needs_full():
    if reason := why_not("full"):
        pytest.skip(reason)


@pytest.fixture
def needs_partial():
    if reason := why_not("partial"):
        pytest.skip(reason)
