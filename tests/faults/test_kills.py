"""Killed at any moment and started again, all ends as if nothing had happened.

``scripts/kill_campaign.py`` does the same a hundred times.
"""

import importlib.util
import sys
import tempfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "kill_campaign.py"
KILLS = 5


@pytest.fixture(scope="module")
def campaign():
    """The script's functions."""
    spec = importlib.util.spec_from_file_location("kill_campaign", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["kill_campaign"] = module  # Where dataclasses look.
    spec.loader.exec_module(module)
    yield module
    del sys.modules["kill_campaign"]


@pytest.mark.parametrize("work", ["Scoring", "Building"])
def test_nothing_is_lost_repeated_or_left_behind_by_kills(campaign, user_cache, work):
    # Not pytest's own folder: the path of a socket must be short.
    with tempfile.TemporaryDirectory() as folder:
        place = campaign.Place(Path(folder).resolve() / "campaign")
        words = campaign.run_campaign(getattr(campaign, work)(place), KILLS, seed=1)

    assert f"{KILLS} kills survived" in words
