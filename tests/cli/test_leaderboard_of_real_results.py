"""From the scorer to the board: what ``score`` writes is what ``--check`` computes."""

import pytest

from harness.sandbox import Level, Sandbox
from harness.scoring.scorer import Scorer

#: Says that it keeps runs fully apart, as a board demands; a test need not.
FULL = Sandbox(Level.FULL)
SECRET = bytes(32)


class Silent:
    """Hears of progress and says nothing."""

    def __getattr__(self, name):
        return lambda *_, **__: None


@pytest.fixture
def scored(settings, executor, method):
    """Results of one submission with two seeds, and of one that fails."""
    broken = method.with_name("broken.py")
    broken.write_text("def unlearning(net, retain, forget, validation): 1 / 0\n")
    for seed in (0, 1):
        with Scorer(settings(seed=seed, secret=SECRET), Silent(), FULL) as scorer:
            scorer.score_all([method, broken])
    return settings().output


@pytest.fixture
def leaderboard(cli, track_file, tmp_path, bank):
    def call(*args):
        where = ("--track", track_file, "-o", tmp_path / "runs", "-j", 1)
        return cli("leaderboard", *where, "--board", tmp_path / "board", *args)

    return call


def test_scored_results_make_a_board_that_passes_its_check(scored, leaderboard):
    update, check = leaderboard("--update"), leaderboard("--check")
    assert update.code == 0, update.err
    assert "   1  method" in update.out
    assert "broken      error   run " in update.out
    assert check.code == 0, check.err
    assert "3 results" in check.out or "4 results" in check.out


def test_runs_that_were_not_kept_apart_are_refused(
    leaderboard, settings, executor, method
):
    with Scorer(settings(), Silent(), Sandbox(Level.NONE)) as scorer:
        scorer.score(method)
    ended = leaderboard()
    assert ended.code == 2
    assert "method (seed 0): isolation none: not ranked" in ended.err
