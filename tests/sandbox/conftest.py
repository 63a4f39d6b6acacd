"""Skip, with the reason, what this machine cannot show."""

import pytest

from harness.sandbox import Level, why_not


@pytest.fixture
def needs_full():
    if reason := why_not(Level.FULL):
        pytest.skip(reason)


@pytest.fixture
def needs_partial():
    if reason := why_not(Level.PARTIAL):
        pytest.skip(reason)
