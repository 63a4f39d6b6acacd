"""The site, the reports of stored results, and their cards again."""

import json
import re

import pytest

from harness.leaderboard.pairs import Pair, pairs_page
from harness.leaderboard.planes import Point, plane
from harness.leaderboard.table import Request, rank_stored
from harness.results.report.strips import Scale
from harness.results.schema import Isolation
from tests.leaderboard.conftest import CAP, FORGOTTEN
from tests.pages import HOSTILE, Page, difference, hostile_material, material


def page(path):
    return Page(path.read_text())


def test_every_link_leads_to_a_page_or_to_a_place_on_one(drawn_site):
    pages = list(drawn_site.rglob("*.html"))

    assert sorted(str(each.relative_to(drawn_site)) for each in pages) == [
        "drawn/broken/index.html",
        "drawn/compare.html",
        "drawn/good-against-weak/index.html",
        "drawn/good/index.html",
        "drawn/index.html",
        "drawn/weak/index.html",
        "index.html",
    ]
    for each in pages:
        told = [a for _, a in page(each).tags if a.get("name") == "description"]
        assert len(told) == 1
        assert told[0]["content"].strip()
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
    marked = [a for _, a in board.tags if a.get("class") == "m"]
    assert len(marked) == len(strips)  # The ceiling, beside each interval.
    assert len({a["style"] for a in marked}) == 1
    assert "Ceiling, floor" in words
    assert board.count("figure") == 2
    assert f"cap {CAP}" in words
    assert "good against weak" in words


def test_0_is_at_the_left_end_of_a_strip():
    """As boards and reports say; where values lie below 0, they have room."""
    for scale in (Scale.around([0.0, 0.02, 0.19]), Scale.around([0.0, None, 0.0])):
        assert scale.strip(0.0, None, None).value == 0.0
    assert Scale.around([-1.0, 1.0]).strip(-1.0, None, None).value > 0.0


def test_of_a_crowd_the_first_rows_are_named():
    crowd = [Point(f"row-{n:02}", 0.15 + n / 1e4, 0.04, 0.04, 0.04) for n in range(30)]

    drawn = plane([*crowd, Point("alone", 0.02, 0.01, 0.01, 0.01)], "cost", "score")

    named = re.findall(r">(row-\d\d|alone)<", drawn)
    assert {"row-00", "alone"} <= set(named)
    assert len(named) < 8  # More would cover each other.


def test_all_work_is_counted(drawn_site, counts):
    assert counts.told == {
        "results of drawn": (3, 3),
        "reports of drawn": (3, 3),
        "comparisons of drawn": (1, 1),
    }


def test_any_two_rows_are_compared_as_the_command_does(drawn_site, draw, cli):
    compared = cli("compare", draw("good"), draw("weak", 0.8))

    found = page(drawn_site / "drawn" / "compare.html")

    told = compared.out.splitlines()[-1]
    assert told.replace("good", "Good").replace("weak", "Weak") in found.words
    rows = [a for _, a in found.tags if "data-e" in a]
    assert [row["data-name"] for row in rows] == ["good", "weak"]
    assert all(len(row["data-e"].split()) == FORGOTTEN for row in rows)
    # Without JavaScript the table is all there is, and says so.
    assert "JavaScript is needed; the table below has every pair" in found.words
    assert [a["id"] for _, a in found.tags if "hidden" in a] == ["choose", "chosen"]


def test_strangers_words_stay_words_where_any_two_are_compared():
    rows = [hostile_material(), hostile_material()]

    html = pairs_page(HOSTILE, rows, [Pair((0, 1), (difference(),))])

    found = Page(html)
    assert found.count("script") == 2
    assert found.count("img") == 0
    assert not [a for _, a in found.tags if any(name.startswith("on") for name in a)]
    assert not re.search("[\x1b\u202e]", html)


def test_a_command_is_as_a_shell_takes_it_and_small_p_values_have_no_exponent():
    rows = [material("my method"), material("other")]
    pairs = [Pair((0, 1), (difference(p_value=3e-7),))]

    found = Page(pairs_page("t", rows, pairs))

    assert found.all("data-name") == ["'my method'", "other"]
    assert "p < 0.001" in found.words
    assert "e-07" not in found.words
    assert "3e-07" in found.all("data-v")  # By which a table is sorted.


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
