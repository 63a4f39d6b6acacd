"""Pages in a real Chromium, opened from disk."""

import shutil
import sys
from pathlib import Path

import pytest

from harness.leaderboard.pairs import Pair, pairs_page
from tests.pages import difference, hostile_material, material, report

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="no playwright; make setup-browser installs it"
)
AXE = Path(sys.prefix, "browser", "node_modules", "axe-core", "axe.min.js")
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
PAGES = ("one", "two", "site", "board", "submission", "pair", "any", "strangers")


@pytest.fixture(scope="module")
def chromium():
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found or not AXE.is_file():
        pytest.skip("no Chromium or no axe-core; make setup-browser installs them")
    with sync_api.sync_playwright() as playwright:
        # Nothing but our own pages is opened, and root has no sandbox of Chromium's.
        options = ["--no-sandbox"]
        with playwright.chromium.launch(executable_path=found, args=options) as browser:
            yield browser


@pytest.fixture(scope="module")
def files(drawn_site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    hostile = hostile_material()
    strangers = folder / "strangers.html"
    strangers.write_text(
        pairs_page("t", [hostile] * 2, [Pair((0, 1), (difference(),))])
    )
    return {
        "strangers": strangers,
        "one": report(hostile).write(folder / "one.html"),
        "two": report(material(), material("other")).write(folder / "two.html"),
        "site": drawn_site / "index.html",
        "board": drawn_site / "drawn" / "index.html",
        "submission": drawn_site / "drawn" / "good" / "index.html",
        "any": drawn_site / "drawn" / "compare.html",
        "pair": drawn_site / "drawn" / "good-against-weak" / "index.html",
    }


@pytest.fixture
def opened(chromium, files):
    """Open a page, and note whatever it should not do."""
    contexts = []

    def open_page(name, viewport=DESK, **options):
        contexts.append(chromium.new_context(viewport=viewport, **options))
        page, faults = contexts[-1].new_page(), []
        page.on("console", lambda told: faults.append(told.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: (faults.append("dialog"), dialog.dismiss()))
        page.on("request", lambda sent: _note(sent.url, faults))
        page.goto(files[name].as_uri())
        return page, faults

    yield open_page
    for context in contexts:
        context.close()


def _note(url, faults):
    if not url.startswith(("file:", "data:")):
        faults.append(f"asked for {url}")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_from_disk_and_is_accessible(opened, name):
    page, faults = opened(name, PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    page.evaluate(AXE.read_text())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("axe.run()")["violations"]
        told = [
            (scheme, each["id"], each["nodes"][0]["html"][:200])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
        assert not told

    assert not faults


def test_a_table_is_sorted_by_mouse_and_by_keyboard(opened):
    page, faults = opened("submission")
    table = page.locator("#examples ~ div table")
    button = table.get_by_role("button", name="certified")

    def values():
        return [
            float(words) for words in table.locator("td:nth-child(5)").all_inner_texts()
        ]

    button.click()
    assert values() == sorted(values())
    button.focus()
    page.keyboard.press("Enter")
    assert values() == sorted(values(), reverse=True)
    assert table.locator("[aria-sort=descending]").count() == 1
    assert not faults


def test_a_link_leads_to_the_line_of_its_example(opened):
    page, faults = opened("two")

    page.locator(".cards a").first.click()

    assert page.url.endswith("#no-1019")
    assert page.locator("tr:target").is_visible()
    assert not faults


def test_one_walks_from_the_tracks_to_a_report(opened):
    page, faults = opened("site")

    page.get_by_role("link", name="drawn").click()
    page.get_by_role("link", name="Good", exact=True).click()

    assert page.get_by_role("heading", level=1).inner_text() == "Good"
    assert not faults


def test_any_two_rows_are_chosen_and_drawn(opened):
    page, faults = opened("any")
    told = page.locator("tr[data-pair] td p").all_inner_texts()
    assert page.locator("#verdicts p").all_inner_texts() == told

    page.get_by_label("One row").focus()
    page.keyboard.press("ArrowDown")
    assert not page.locator("#chosen").is_visible()  # A row against itself.
    page.get_by_label("against").select_option(label="Good")

    assert page.url.endswith("#1-0")
    assert page.locator("#verdicts p").all_inner_texts() == told
    assert page.locator("#one-says").inner_text().startswith("Weak scores")
    assert page.locator("#drawn circle").count() == 20
    words = page.locator("#command").inner_text()
    assert words == "unlearn-eval compare weak good --track drawn"
    page.get_by_role("link", name="All of Weak").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Weak"
    assert not faults


def test_without_javascript_every_pair_is_there(opened):
    page, _ = opened("any", java_script_enabled=False)

    assert page.get_by_text("JavaScript is needed").is_visible()
    assert not page.locator("#choose").is_visible()
    assert page.locator("tr[data-pair]").count() == 1


def test_without_javascript_all_can_be_read(opened):
    page, _ = opened("two", java_script_enabled=False)

    assert page.locator("#examples ~ div tbody tr").count() == 20
    assert page.locator("button").count() == 0
