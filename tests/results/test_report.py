"""The report: one file that says all, and in which strangers' words stay words."""

from dataclasses import replace

import numpy as np
import pytest

from harness.metrics.literature.registry import shipped_names
from harness.results.report.cards import cards_of
from harness.results.report.classes import class_medians
from harness.results.report.figures import (
    costs_against_cap,
    epsilon_of_classes,
    for_a_page,
)
from harness.results.report.glossary import METRICS
from harness.results.report.material import Material, Pictures
from harness.results.report.page import MOST_ROWS, html_card
from harness.status import Status
from harness.tasks.base import Shown
from tests.pages import (
    HOSTILE,
    Page,
    difference,
    hostile_material,
    material,
    pictures,
    report,
)
from tests.typed_results import typed_result

NONE = Pictures(missing="no data here.")


@pytest.fixture(scope="module")
def page():
    return Page(report(material()).html)


def test_it_says_what_a_card_says_and_takes_the_score_apart(page):
    words = " ".join(page.words.split())

    assert "My method scores 0.0500 (95 % interval 0.0400 to 0.0600), 25% of" in words
    assert "0.0500 ≈ calibrated F 0.0520 × 0.990 of retraining's RA × 0.980" in words
    assert "retraining itself gets 0.1900" in words
    assert "attack-gap: needs care" in words
    assert "Retrained models against held-out retrained models: median 1.18" in words
    assert "Median ε is largest for dog9" in words
    assert "the cap is 0.20, and 0% of the runs are above it" in words
    assert "U-LiRA AUCneeds N ≥ 200" in words
    assert "certified ε0.2100a mean of bounds0.0003" in words
    assert "nearest to retraining is best" in words
    assert "none; not enforced: files, network" in words
    assert "unlearn-eval score method.py --track cifar10-quick" in words


def test_who_was_sent_it_is_told_what_it_is_about_and_what_the_words_mean(page):
    words = " ".join(page.words.split())

    for word in ("ε of an example", "Forgetting quality F", "Ceiling, floor"):
        assert word in words
    assert "#words" in page.all("href")
    against = words.partition("F against the number of models")[2]
    assert "calibrated F At N = 16 the calibrated F is 0.0520, 95 % inter" in against
    assert "an attacker who sees more models tells more apart" in against
    (told,) = (a["content"] for _, a in page.tags if a.get("name") == "description")
    assert told.startswith("My method scores 0.0500")


def test_of_examples_with_one_epsilon_the_worst_is_that_of_which_most_is_proven():
    made = material(n_examples=6)
    known = replace(made.confidences, epsilon=made.confidences.epsilon * 0 + 50)

    worst, best = cards_of(replace(made, confidences=known), Pictures())

    assert [card.number for card in worst] == [1005, 1004, 1003]
    assert [card.number for card in best] == [1000, 1001, 1002]


def test_a_card_says_whose_epsilon_it_has():
    made = material(made={"originals": 4})
    known = replace(made.confidences, epsilon=made.confidences.epsilon / 2)
    official = replace(made, confidences=replace(known, calibrated=False))

    both, one = (
        " ".join(Page(report(each).html).words.split())
        for each in (replace(made, confidences=known), official)
    )

    assert "dog9calibrated ε 2.25; official ε 4.50, of which 2.25 certified" in both
    assert "dog9ε 4.50, of which 2.25 certified" in one
    assert "; official ε" not in one
    assert "A drawing pools all runs of all 4 originals, and holds them" in both
    assert "p the probability that a model gives the right class" in both


def test_every_metric_that_ships_is_explained_where_it_is_shown(page):
    words = " ".join(page.words.split())

    assert METRICS.keys() == shipped_names()
    told = words.partition("metrics, in words")[2].partition("Every example")[0]
    assert [name for name in METRICS if f"{name}{METRICS[name][:20]}" in told] == [
        "certified ε",
        "U-LiRA AUC",
        "KLOM mean",
    ]
    assert "95 % of them have less" not in told
    assert "as a KL divergence in nats" in told
    assert "The mean over examples. Lower is better." in told


def test_nothing_is_told_twice(page):
    words = " ".join(page.words.split())

    assert words.count("needs care") == 1  # A flag.
    assert words.count("not enforced: files, network") == 1
    assert words.count("25% of what retraining itself gets") == 1
    assert "Ratios RA" not in words
    alone = Page(html_card(material().result)).words
    for told in ("needs care", "not enforced", "25% of what", "Ratios RA"):
        assert told in alone


OFFICIAL = {"secret_name": "0123", "originals": 4, "seed": 1}


@pytest.mark.parametrize(
    ("made", "options"),
    [
        ({}, "--n-models 8 --seed 0 --originals 1 --device cpu"),
        (OFFICIAL, "--official --device cpu"),
        ({**OFFICIAL, "originals": 1}, "--official --originals 1 --device cpu"),
        (
            {"track": "my track.toml", **OFFICIAL},
            "--official --originals 4 --device cpu",
        ),
    ],
)
def test_a_command_scores_it_again(made, options):
    made = {"track": "cifar10-quick", **made}
    track = made["track"]

    words = " ".join(Page(report(material("my method", made=made)).html).words.split())

    quoted = f"'{track}'" if " " in track else track
    start = f"unlearn-eval score 'my method.py' --track {quoted}"
    assert f"Do it again {start} {options} " in words


def test_where_nothing_is_calibrated_the_f_that_ranks_is_the_official_one():
    made = material()
    metrics = replace(made.result.metrics, calibrated_forgetting_quality=None)

    found = Page(
        report(replace(made, result=replace(made.result, metrics=metrics))).html
    )

    assert "At N = 16 the official F is 0.0520" in " ".join(found.words.split())


@pytest.mark.parametrize("apart", [False, True])
def test_classes_are_called_different_only_if_their_examples_say_so(apart):
    made = material(n_examples=120)
    label = np.arange(120) // 60 if apart else np.arange(120) % 2
    rows = tuple(
        replace(r, label=int(k)) for r, k in zip(made.rows, label, strict=True)
    )

    found = Page(report(replace(made, rows=rows), shown=NONE).html)
    words = " ".join(found.words.split())

    assert "Median ε is largest for class 1 (" in words
    assert ("Even these two may differ by chance" in words) is not apart
    assert "class 1 (60)" in words
    assert "classes whose lines overlap cannot be told apart" in words


def test_beside_a_class_stands_retraining_s_own_median():
    made = material(n_examples=120)

    worst, *_ = class_medians(made, made.confidences, NONE)

    assert worst.retraining == pytest.approx(worst.value / 2)
    assert worst.interval.low < worst.value < worst.interval.high
    alone = worst._replace(retraining=None)
    told = ["retraining itself" in epsilon_of_classes([m]) for m in (worst, alone)]
    assert told == [True, False]


def test_of_a_few_examples_nothing_is_said_of_a_class(page):
    """Two of each of ten."""
    words = " ".join(page.words.split())

    assert "too few examples to tell whether that is chance" in words


def test_there_is_no_half_run():
    """A scale from 0 to 1 run would have a mark at 0.8."""
    assert ">0.8<" not in costs_against_cap([0.15, 0.18], 0.2)


def test_every_example_has_a_line_that_links_reach(page):
    ids, links = page.all("id"), page.all("href")

    assert len(ids) == len(set(ids))
    assert {f"no-{1000 + place}" for place in range(20)} <= set(ids)
    assert "No. is an example's index in the training set." in page.words
    assert {link for link in links if link.startswith("#")} <= {f"#{i}" for i in ids}
    assert "10194.504.502.25" in page.words.replace("\n", "").replace("dog9", "")


def test_figures_lose_digits_that_nobody_sees_and_none_of_their_words():
    svg = '<svg width="9pt" viewBox="0 0 9 9"><path d="M 1.2345 2"/><text>0.175</text>'

    assert for_a_page(svg) == (
        '<svg viewBox="0 0 9 9"><path d="M 1.23 2"/><text>0.175</text>'
    )


def test_every_picture_has_words_beside_it(page):
    for tag, attributes in page.tags:
        if tag == "img":
            assert attributes["alt"].startswith("dog")
        if attributes.get("role") == "img":
            assert attributes.get("aria-label") or attributes["aria-labelledby"]


def test_it_asks_for_nothing_from_elsewhere(page):
    loaded = page.all("src") + [a["href"] for t, a in page.tags if t == "link"]

    assert all(each.startswith("data:") for each in loaded)
    assert page.count("script") == 1
    assert not any(a.get("src") for t, a in page.tags if t == "script")


@pytest.mark.parametrize("two", [False, True])
def test_strangers_words_stay_words(two):
    caption = Pictures(shown=tuple(Shown(HOSTILE, text=HOSTILE) for _ in range(20)))
    ours = [hostile_material(), hostile_material()][: 1 + two]
    html = report(*ours, shown=caption).html
    found = Page(html)

    assert found.count("script") == 1
    assert found.count("img") == 0
    assert not [a for _, a in found.tags if any(name.startswith("on") for name in a)]
    assert not [u for u in found.all("href") if "javascript" in u]
    assert "javascript:alert(3)" in found.words
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "\\x1b[2J\\u202e{{7*7}}" in found.words


def test_the_card_of_a_notebook_is_harmless_too():
    found = Page(html_card(hostile_material().result))

    assert found.count("script") == found.count("img") == 0
    assert "calibrated score" in found.words


@pytest.mark.parametrize("url", ["https://x.org/a?b=1", "http://x.org"])
def test_an_address_becomes_a_link(url):
    found = Page(report(material(about={"url": url})).html)

    assert url in found.all("href")


def test_a_large_result_fits_into_three_megabytes():
    ours = [material(n_examples=1000, n_models=64, shift=s) for s in (0.5, 1)]
    html = report(*ours, shown=pictures(1000)).html

    assert 500_000 < len(html.encode()) < 3_000_000
    assert html.count('<tr id="no-') == 1000


def test_of_more_examples_the_best_and_the_worst_are_shown():
    n_examples = MOST_ROWS + 10
    html = report(
        material(n_examples=n_examples), shown=Pictures(missing="no data here.")
    ).html

    assert html.count('<tr id="no-') == MOST_ROWS
    assert 'id="no-1000"' in html
    assert f'id="no-{1000 + n_examples - 1}"' in html
    assert "Without pictures: no data here." in html


def test_a_text_task_shows_passages():
    passages = tuple(Shown("fiction", text=f"Words {s}.") for s in range(20))
    passages = (*passages[:-1], Shown("fiction", text="x" * 601))
    plain = material(of_texts=True)
    rows = tuple(replace(row, label=0) for row in plain.rows)  # There are no classes.
    html = report(replace(plain, rows=rows), shown=Pictures(shown=passages)).html

    assert "<blockquote" in html
    assert "Words 18." in html
    words = " ".join(Page(html).words.split())
    assert "Passage 1018, fictioncalibrated ε" in words
    assert "passagetextbookcalibrated ε" in words
    assert ">" + "x" * 599 + "…<" in html
    assert ">" + "x" * 199 + "…<" in html
    assert "a model gives the whole passage" in words
    assert "RA and TA are here shares of next tokens" in words
    assert "PrivLeakAn attacker takes a passage for read" in words
    assert "Which class" not in html
    assert "<img" not in html


def test_a_failed_result_has_its_traceback_and_no_figures():
    result = typed_result(
        status=Status.ERROR, reason="run 0 raised.", traceback="ValueError: <b>"
    )
    found = Page(report(Material(result=result), shown=Pictures()).html)

    assert "method was not scored (error): run 0 raised." in found.words
    assert "ValueError: <b>" in found.words
    assert found.count("svg") == 0


def test_two_results_have_their_difference_and_a_scatter():
    found = Page(report(material(), material("other")).html)

    words = " ".join(found.words.split())
    assert "My method and My method cannot be told apart at N = 8. By the" in words
    assert "By the official score, which ranks: p = 0.2; not separable at" in words
    assert "unlearn-eval compare method other --track cifar10-quick" in words
    assert "stands at 10" not in words
    assert "Points below the line are forgotten better by the second." in found.words
    assert len(set(found.all("id"))) == len(found.all("id"))


def test_of_two_verdicts_the_one_that_ranks_leads():
    one, other = material(about={"title": "One"}), material(about={"title": "Other"})
    found = (
        difference(quantity="calibrated score", difference=-0.01, p_value=3e-7),
        difference(p_value=0.04),
    )

    words = " ".join(Page(report(one, other, differences=found).html).words.split())

    assert "The difference Other is better than One. By the calibrated score, " in words
    assert "calibrated score, which ranks: p < 0.001; Other is better" in words
    assert "official score, the competition's own: p = 0.04; One is better" in words
    assert "e-0" not in words


def test_what_has_no_room_in_a_figure_is_told_only_where_there_is_some():
    made = material()
    far = replace(made.confidences, epsilon=made.confidences.epsilon + 6)
    beyond = "What is beyond 10 stands at 10."

    for materials, times in ([made], 0), ([made] * 2, 0), ([made, far], 2):
        both = [m if m is made else replace(made, confidences=m) for m in materials]
        assert Page(report(*both).html).words.count(beyond) == times


def test_a_notebook_shows_a_report_within_a_frame():
    shown = Page(report(material())._repr_html_())

    assert [tag for tag, _ in shown.tags] == ["iframe"]
    assert shown.all("sandbox") == ["allow-scripts"]
    assert shown.all("srcdoc")[0].startswith("<!doctype html>")


def test_equal_confidences_and_one_model_are_drawn_too():
    made = material(n_examples=2, n_models=1)
    known = replace(
        made.confidences,
        unlearned=made.confidences.unlearned * 0,
        retrained=made.confidences.retrained * 0,
        retraining=None,
    )

    html = report(replace(made, confidences=known), shown=Pictures()).html

    assert "The bank is too small to show" in html
