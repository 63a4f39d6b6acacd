"""The site, the reports of stored results, and their cards again."""

import json

import pytest

from harness.leaderboard.table import Request, rank_stored
from harness.results.schema import Isolation
from tests.pages import Page


def page(path):
    return Page(path.read_text())


def test_every_link_leads_to_a_page_or_to_a_place_on_one(drawn_site):
    pages = list(drawn_site.rglob("index.html"))

    assert sorted(str(each.relative_to(drawn_site)) for each in pages) == [
        "drawn/broken/index.html",
        "drawn/good-against-weak/index.html",
        "drawn/good/index.html",
        "drawn/index.html",
        "drawn/weak/index.html",
        "index.html",
    ]
    for each in pages:
        for link in page(each).all("href"):
            path, _, name = link.partition("#")
            if not link.startswith("data:"):
                target = (each.parent / path) if path else each
                assert target.is_file(), f"{each}: {link}"
                assert not name or name in page(target).all("id")


def test_a_board_shows_its_rows_in_order_with_their_intervals(drawn_site):
    board = page(drawn_site / "drawn" / "index.html")
    words = board.words

    assert words.index("Good") < words.index("Weak") < words.index("Not ranked")
    assert "it raised ValueError" in words
    strips = [a for _, a in board.tags if (a.get("class") or "").startswith("strip")]
    assert len(strips) >= 3
    assert all(strip["aria-label"].startswith("interval") for strip in strips)
    assert board.count("figure") == 2
    assert "good against weak" in words


def test_tracks_stand_side_by_side(drawn_site):
    words = " ".join(page(drawn_site / "index.html").words.split())

    assert "drawn: rank score of ceiling" in words.replace(
        "rankscoreof", "rank score of"
    )
    assert words.index("good") < words.index("weak") < words.index("broken")


def test_a_report_of_two_says_what_compare_says(draw, cli, drawn_file, tmp_path):
    ours = draw("good"), draw("weak", 0.8)
    file = tmp_path / "two.html"
    compared = cli("compare", *ours)

    ended = cli("report", *ours, "--track", drawn_file, "-o", file)

    assert (ended.code, ended.err) == (0, f"Wrote {file}.\n")
    verdict = compared.out.splitlines()[-1].partition("; ")[2]
    figures = verdict[verdict.index("(") :]
    assert figures in page(file).words
    # The data are here, so that there are pictures: the worst and the best of both.
    assert page(file).count("img") == 2 * 16


@pytest.mark.parametrize(
    ("options", "words"),
    [((), "there is no track 'drawn'"), (("--no-pictures",), "not asked for")],
)
def test_a_report_without_its_data_says_so(draw, cli, tmp_path, options, words):
    file = tmp_path / "one.html"

    ended = cli("report", draw("good"), "-o", file, *options)

    assert ended.code == 0
    assert page(file).count("img") == 0
    assert words in page(file).words


def test_three_results_are_too_many(draw, cli, tmp_path):
    good = draw("good")

    ended = cli("report", good, good, good, "-o", tmp_path / "x.html")

    assert ended.code == 2
    assert "unlearn-eval site DIR" in ended.err


def test_a_site_needs_a_board(cli, tmp_path):
    ended = cli("site", tmp_path / "site", "--board", tmp_path)

    assert ended.code == 2
    assert "leaderboard --update" in ended.err


def test_a_card_is_shown_again(draw, cli):
    good = draw("good")

    shown, more = cli("show", good), cli("show", good, "-v")

    assert "official score" in shown.out
    assert "KLOM" in more.out
    assert max(map(len, more.out.splitlines())) <= 80
    assert json.loads(cli("show", good, "--json").out)["submission"] == "good"


def test_a_notebook_shows_a_table(draw, drawn, tmp_path):
    draw("good")
    draw("strong", isolation=Isolation(level="partial"))

    table = rank_stored(Request(tmp_path / "runs", drawn, None, 1))
    words = " ".join(Page(table._repr_html_()).words.split())

    assert "11Good" in words
    assert "strong (seed 0): isolation partial: not ranked" in words
