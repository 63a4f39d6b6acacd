"""Tables of all metrics, rank agreement, and the comparison with the competition."""

from itertools import permutations

import numpy as np
import pytest

from harness.metrics.literature.metric_value import Direction, MetricValue
from harness.metrics.official.diagnosis import Diagnosis
from harness.results.schema import Efficiency, Metrics
from harness.status import Status
from harness.storage.files import to_json
from scripts import agreement, competition, measures, pages, rank_correlation
from scripts.measures import Measure, Row
from tests.typed_results import number, typed_result

NAMES = [name for group in agreement.GROUPS.values() for name in group]


def measure(value=0.5, reach=0.1, direction=Direction.HIGHER, at_best=1.0) -> Measure:
    ends = (None, None) if value is None else (value - reach, value + reach)
    return Measure(value, *ends, direction, at_best, *ends)


def row(name, value, seed=0, *, control=False, over=False, others=()) -> Row:
    values = {each: measure(value) for each in NAMES} | dict(others)
    return Row(name, control, over, ("quick", 7, "bank", 64), seed, values)


ROWS = [row("a", 0.3), row("b", 0.2), row("c", 0.1)]


@pytest.mark.parametrize(
    ("direction", "better", "worse"),
    [
        (Direction.HIGHER, 0.9, 0.5),
        (Direction.LOWER, 0.1, 0.5),
        (Direction.NULL, 0.45, 0.3),
        (Direction.NULL, 0.55, 0.8),
    ],
)
def test_a_metric_is_turned_so_that_better_is_larger(direction, better, worse):
    good, bad = (
        measure(value, direction=direction, at_best=0.5) for value in (better, worse)
    )

    assert good.goodness > bad.goodness


def test_a_missing_metric_ranks_nothing_and_leaves_the_others():
    rows = [row(n, v, others={"GDP µ": measure(None)}) for n, v in (("a", 2), ("b", 1))]

    columns = agreement.comparable(rows)

    assert "GDP µ" not in columns
    assert len(columns) == len(NAMES) - 1


def test_nearness_to_an_unknown_null_ranks_nothing():
    rows = [
        row(n, v, others={"TA": measure(v, direction=Direction.NULL, at_best=None)})
        for n, v in (("a", 2), ("b", 1))
    ]

    assert "TA" not in agreement.comparable(rows)


def test_a_metric_that_is_the_same_for_all_ranks_nothing():
    rows = [
        row(n, v, others={"official F": measure(0.5)}) for n, v in (("a", 2), ("b", 1))
    ]

    assert "official F" not in agreement.comparable(rows)


def test_every_row_stands_in_every_table_and_retraining_comes_last():
    text = agreement.metric_tables([row("oracle", 0.9, control=True), *ROWS])

    tables = [part for part in text.split("\n\n") if part.startswith("|")]
    assert len(tables) == len(agreement.GROUPS)
    for table in tables:
        names = [line.split(" | ")[0].strip("| ") for line in table.splitlines()[2:]]
        assert names == ["a", "b", "c", "oracle (control)", agreement.RETRAINING]


def test_a_row_over_the_budget_says_so():
    assert agreement.label(row("slow", 0.1, over=True)) == "slow (over budget)"


def test_numbers_have_a_true_minus_and_no_negative_zero():
    assert agreement.cell(measure(-0.25), "gap") == "−0.250 (−0.350, −0.150)"
    assert pages.figure(-0.0004, 3) == "0.000"
    assert pages.figure(None, 3) == pages.figure(float("nan"), 3) == "–"


def test_controls_have_no_say_in_rank_agreement():
    backwards = {name: measure(-9.0) for name in NAMES if name != "calibrated F"}
    misleading = row("oracle", 0.9, control=True, others=backwards)

    assert agreement.tau_tables([*ROWS, misleading]) == agreement.tau_tables(ROWS)


def test_the_matrix_leaves_out_what_is_no_metric_of_its_own():
    matrix = agreement.tau_tables(ROWS).split("\n\n")[-1]

    assert "Kolmogorov–Smirnov" in matrix
    assert all(name not in matrix for name in agreement.ASIDE)


def test_tau_is_minus_one_for_the_reverse_and_no_number_for_ties_alone():
    up = np.array([1.0, 2.0, 3.0, 4.0])

    assert rank_correlation.tau(up, -up) == -1
    assert np.isnan(rank_correlation.tau(up, np.ones(4)))


def test_the_chance_of_a_tau_is_the_share_of_all_orders():
    ours = np.array([4.0, 2.0, 1.0, 5.0, 3.0])
    theirs = np.arange(5.0)
    wanted = rank_correlation.tau(ours, theirs)
    orders = [
        rank_correlation.tau(ours, np.array(p)) for p in permutations(theirs.tolist())
    ]

    share = np.mean([tau >= wanted - 1e-9 for tau in orders])
    assert rank_correlation.chance(ours, theirs) == pytest.approx(share)


def test_a_weighted_tau_is_that_of_items_written_out():
    rng = np.random.default_rng(5)
    first, second = rng.integers(0, 5, (2, 9)).astype(float)
    weights = rng.integers(0, 3, 9)

    (found,) = rank_correlation.weighted_taus(first, second, weights.astype(float))

    written = (np.repeat(values, weights) for values in (first, second))
    assert found == pytest.approx(rank_correlation.tau(*written))


def test_a_draw_of_one_item_alone_has_no_tau():
    values = np.arange(3.0)

    (found,) = rank_correlation.weighted_taus(values, values, np.array([3.0, 0, 0]))

    assert np.isnan(found)


def test_drawing_equal_rankings_again_gives_equal_rankings():
    values = np.arange(8.0)
    weights = rank_correlation.drawn_weights(8, seed=1)

    assert (weights.sum(axis=1) == 8).all()
    assert rank_correlation.spread_of_taus(values, values, weights) == (1.0, 1.0)


def test_the_resampled_interval_holds_tau_and_does_not_depend_on_the_run():
    rng = np.random.default_rng(1)
    first = rng.normal(size=20)
    second = first + rng.normal(size=20)

    spreads = [
        rank_correlation.spread_of_taus(
            first, second, rank_correlation.drawn_weights(20, seed=3)
        )
        for _ in range(2)
    ]

    assert spreads[0] == spreads[1]
    low, high = spreads[0]
    assert low < rank_correlation.tau(first, second) < high


def test_second_scores_outside_the_interval_are_counted():
    again = [row("a", 0.45, 1), row("b", 0.25, 1), row("c", 0.1, 1)]

    text = agreement.replicate_table(ROWS, again)

    assert "Of the 3 ranked submissions" in text
    assert "for 2 (calibrated) and 2 (official); Kendall's τ-b between" in text
    assert "the two rankings is 1.00 (calibrated) and 1.00 (official)." in text
    assert "| a | 0.3000 (0.2000, 0.4000) | 0.4500 | **no** |" in text


def test_controls_and_rows_over_the_budget_are_shown_again_but_not_counted():
    first = [*ROWS, row("identity", 0.0, control=True), row("slow", 0.05)]
    again = [*first[:4], row("slow", 0.05, over=True)]

    text = agreement.replicate_table(first, again)

    assert "Of the 3 ranked submissions" in text
    assert "| identity (control) |" in text


def test_the_ends_of_an_interval_belong_to_it():
    first = measure(0.5, reach=0.25)._replace(low=0.45, high=0.55)

    assert agreement.is_inside(first, measure(0.75))
    assert not agreement.is_inside(first, measure(0.7501))
    assert not agreement.is_inside(measure(None), measure(0.5))


def test_two_scorings_with_little_in_common_are_refused():
    with pytest.raises(SystemExit, match="have 1 submissions in common; 3"):
        agreement.replicate_table(ROWS, [row("a", 0.1, 1), row("x", 0.2, 1)])


def test_the_order_of_the_competition_gives_a_tau_of_one():
    rows = [row(name, value) for name, value in competition.PRIVATE_SCORES.items()]

    text = competition.comparison(rows, competition.PRIVATE_SCORES, "private", "{:.4f}")

    assert "over 6 methods: **1.00**" in text
    assert "probability 0.001 (exact" in text
    assert "| random_mask | 0.0937 |" in text.splitlines()[2]


def test_uncertain_scores_make_tau_uncertain_and_certain_ones_do_not():
    theirs = np.arange(6.0)
    certain = competition.correlation_words(theirs, theirs, np.full(6, 1e-6))
    uncertain = competition.correlation_words(theirs, theirs, np.full(6, 5.0))

    assert "interval): 1.00 to 1.00" in certain
    assert "interval): 1.00 to 1.00" not in uncertain


def test_a_method_that_was_not_scored_is_named():
    theirs = {"a": 3.0, "b": 2.0, "c": 1.0, "d": 0.5}

    assert competition.comparison(ROWS, theirs, "", "{}").endswith("Not scored: d.")
    with pytest.raises(SystemExit, match="0 of x, y are scored; 3"):
        competition.comparison(ROWS, {"x": 1.0, "y": 2.0}, "", "{}")


def test_a_page_keeps_the_words_around_its_figures(tmp_path):
    page = tmp_path / "docs" / "page.md"
    pages.write_page(page, "Title", "old figures")
    page.write_text(page.read_text() + "\nWhat a person says.\n")

    pages.write_page(page, "Another title", "new figures")

    text = page.read_text()
    assert text.startswith("# Title\n")
    assert text.endswith("\nWhat a person says.\n")
    assert "new figures" in text
    assert "old figures" not in text


def test_a_page_without_a_place_for_figures_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("All by hand.\n")

    with pytest.raises(SystemExit, match="no place for figures"):
        pages.write_page(page, "Title", "figures")
    assert page.read_text() == "All by hand.\n"


@pytest.fixture
def store(tmp_path):
    """Write a result as the scorer does, without its arrays."""

    def write(name, value, seed=0, *, n_models=64, split=2023, status=Status.SCORED):
        row = MetricValue("KLOM mean", 1.0, None, None, Direction.LOWER, 0.5, None, 2)
        made = {
            "track": "cifar10-quick",
            "split_seed": split,
            "bank_key": "key",
            "seed": seed,
        }
        result = typed_result(
            name,
            status=status,
            n_models=n_models,
            about={"reference": name == "retrain"},
            made=made,
            metrics=Metrics(
                calibrated_score=number(value, value, value, ceiling=0.2),
                diagnosis=Diagnosis(shift=1.5, spread=0.5, centred=0.1, rescaled=0.1),
                score=number(0.9 - value),
                forgetting_quality=number(value),
                efficiency=Efficiency(ratio=0.1, cap=0.2),
                metrics=(row,),
            ),
        )
        folder = tmp_path / name / f"seed-{seed}-{n_models}-{split}"
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(to_json({**result.to_dict(), "files": {}}))

    for name, value in (("a", 0.1), ("b", 0.2), ("retrain", 0.3)):
        write(name, value)
    return write


def test_results_are_read_best_first_with_their_measures(store, tmp_path):
    (rows,) = measures.read_scorings([tmp_path], "cifar10-quick")

    assert [r.name for r in rows] == ["retrain", "b", "a"]
    assert [r.is_control for r in rows] == [True, False, False]
    assert rows[1].score == Measure(0.2, 0.2, 0.2, Direction.HIGHER, 0.2)
    assert rows[1].measures["efficiency ratio"].at_best == 1
    assert rows[1].measures["KLOM mean"].goodness == -1
    assert rows[1].measures["spread"].goodness == -0.5
    assert rows[1].measures["shift"].goodness == -1.5


def test_scorings_with_two_seeds_are_told_apart(store, tmp_path):
    for name in "abc":
        store(name, 0.1, seed=1)

    first, second = measures.read_scorings([tmp_path, tmp_path], "cifar10-quick")

    assert [len(first), first[0].seed] == [3, 0]
    assert [len(second), second[0].seed] == [3, 1]


def test_other_splits_and_incomplete_results_are_left_out(store, tmp_path):
    store("private", 0.9, split=5)
    store("broken", 0.9, status=Status.ERROR)

    (rows,) = measures.read_scorings([tmp_path], "cifar10-quick")

    assert {r.name for r in rows} == {"a", "b", "retrain"}


def test_results_of_different_n_are_refused(store, tmp_path):
    store("d", 0.1, n_models=32)

    with pytest.raises(SystemExit, match=r"cannot be compared.*32.*64"):
        measures.read_scorings([tmp_path], "cifar10-quick")


def test_two_results_of_one_submission_are_refused(store, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    original = next((tmp_path / "a").glob("*/result.json"))
    (copy / "result.json").write_bytes(original.read_bytes())

    with pytest.raises(SystemExit, match="several results of a with seed 0"):
        measures.read_scorings([tmp_path], "cifar10-quick")


def test_a_folder_with_too_little_in_it_is_refused(store, tmp_path):
    with pytest.raises(SystemExit, match="no complete result of cifar10-quick"):
        measures.read_scorings([tmp_path / "elsewhere"], "cifar10-quick")
    with pytest.raises(SystemExit, match="1 complete results with seed 0"):
        measures.read_scorings([tmp_path / "a"], "cifar10-quick")
