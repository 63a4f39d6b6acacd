"""Killed at any moment and started again, all ends as if nothing had happened.

`make campaign` runs the kills; ``scripts/kill_campaign.py`` makes a hundred.
"""

import importlib.util
import signal
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "kill_campaign.py"
KILLS = 4


@pytest.fixture(scope="module")
def campaign():
    """The script's functions."""
    spec = importlib.util.spec_from_file_location("kill_campaign", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["kill_campaign"] = module  # Where dataclasses look.
    spec.loader.exec_module(module)
    yield module
    del sys.modules["kill_campaign"]


@pytest.fixture(scope="module")
def works(campaign, user_cache):
    """Each work in a folder of its own, with what all tests of it need built once.

    Not in pytest's folder, as the path of a socket must be short.
    """
    with tempfile.TemporaryDirectory() as folder:

        @cache
        def work(name):
            place = campaign.Place(Path(folder).resolve() / name)
            return getattr(campaign, name)(place)

        yield work


needs_dask = pytest.mark.skipif(
    find_spec("distributed") is None, reason="needs pip install 'unlearn-eval[cluster]'"
)


@pytest.mark.campaign
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "work", ["Scoring", "Building", pytest.param("Cluster", marks=needs_dask)]
)
def test_nothing_is_lost_repeated_or_left_behind_by_kills(campaign, works, work):
    words = campaign.run_campaign(works(work), KILLS, seed=1)

    assert f"{KILLS} kills survived" in words


@pytest.mark.parametrize(
    ("work", "begun", "number"),
    [
        ("Scoring", "first: 6 to do", signal.SIGINT),
        ("Building", "6 to do", signal.SIGTERM),
    ],
)
def test_a_signal_ends_it_in_one_line_with_nothing_left(works, work, begun, number):
    command = works(work)
    command.clear()
    place, words = command.place, [w for w in command.words() if w != "--quiet"]

    with place.start(words) as process:
        for line in process.stderr:
            if begun in line:
                break
        process.send_signal(number)
        rest = process.stderr.read()

    assert process.returncode == 130
    assert rest.splitlines()[-1].startswith("Interrupted. Run the same command again")
    assert "Traceback" not in rest
    assert "Warning" not in rest
    place.await_end()
    place.require_clean()
