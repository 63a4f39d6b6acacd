"""Killed at any moment and started again, all ends as if nothing had happened.

`make campaign` runs the kills; ``scripts/kill_campaign.py`` makes a hundred.
"""

import signal
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from scripts import kill_campaign
from scripts.kills import place as place_module
from tests.forking import forked

KILLS = 4


@pytest.fixture(scope="module")
def works(user_cache):
    """Each work in a folder of its own, with what all tests of it need built once.

    Not in pytest's folder, as the path of a socket must be short.
    """
    with tempfile.TemporaryDirectory() as folder:

        @cache
        def work(name):
            place = kill_campaign.Place(Path(folder).resolve() / name)
            return kill_campaign.WORKS[name](place)

        yield work


needs_dask = pytest.mark.skipif(
    find_spec("distributed") is None, reason="needs pip install 'unlearn-eval[cluster]'"
)


@pytest.mark.campaign
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "work", ["score", "bank", pytest.param("cluster", marks=needs_dask)]
)
def test_nothing_is_lost_repeated_or_left_behind_by_kills(works, work):
    words = kill_campaign.run_campaign(works(work), KILLS, seed=1)

    assert f"{KILLS} kills survived" in words


@pytest.mark.parametrize(
    ("work", "begun", "number"),
    [
        ("score", "first: 6 to do", signal.SIGINT),
        ("bank", "6 to do", signal.SIGTERM),
    ],
)
def test_a_signal_ends_it_in_one_line_with_nothing_left(
    works, work, begun, number, monkeypatch
):
    monkeypatch.setattr(place_module, "subprocess", forked.FORKING)
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
