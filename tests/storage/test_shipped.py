"""Where submissions and their leaderboard are looked for."""

import pytest

from harness.storage import shipped
from harness.storage.shipped import own_submissions, shipped_submissions


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "checkout"
    (folder / "submissions" / "leaderboard").mkdir(parents=True)
    return folder


@pytest.mark.parametrize("below", ["", "submissions/leaderboard", "a/b"])
def test_the_checkout_one_stands_in_comes_first(checkout, monkeypatch, below):
    (checkout / below).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(checkout / below)
    assert own_submissions() == checkout / "submissions"


def test_the_nearest_of_two_is_found(checkout, monkeypatch):
    inner = checkout / "inner"
    (inner / "submissions" / "leaderboard").mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert own_submissions() == inner / "submissions"


def test_submissions_without_a_leaderboard_are_nobodys_checkout(checkout, monkeypatch):
    mine = checkout / "mine"
    (mine / "submissions").mkdir(parents=True)
    monkeypatch.chdir(mine)
    assert own_submissions() == checkout / "submissions"


def test_elsewhere_it_is_the_checkout_that_the_package_is_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert own_submissions() == shipped_submissions()


def test_an_installed_package_is_not_looked_into(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shipped, "_INSIDE", tmp_path)
    assert own_submissions() == tmp_path / "submissions"
