"""Lay every metric of stored results side by side, and say where they agree.

    python scripts/agreement.py RESULTS --write docs/metrics.md
    python scripts/agreement.py RESULTS --second RESULTS2 --write docs/metrics.md
    python scripts/agreement.py RESULTS --world docs/agreement.md

RESULTS is a folder with results of one track, bank and N: a folder of ``runs``, or the
committed leaderboard. Prints the tables of every metric with its 95 % interval and
Kendall's tau-b between the rankings that the metrics give. Where there are results of a
second scoring, with another seed, there or in ``--second``, also how well it confirms
the first, which is that of the lower seed. ``--write`` puts that into a page, keeping
the words around it; ``--world`` writes the comparison with the competition's own order.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scripts.competition import world_report
from scripts.measures import (
    CALIBRATED,
    CALIBRATED_QUALITY,
    QUALITY,
    SCORE,
    SHIFT,
    SPREAD,
    Measure,
    Row,
    read_scorings,
)
from scripts.pages import figure, table, write_page
from scripts.rank_correlation import drawn_weights, spread_of_taus, tau

TRACK = "cifar10-quick"
RETRAINING = "*retraining itself*"
_SEED = 2023
_DIGITS = dict.fromkeys((CALIBRATED, CALIBRATED_QUALITY, SCORE, QUALITY), 4)

GROUPS = {
    "The scores": (CALIBRATED, CALIBRATED_QUALITY, SCORE, QUALITY),
    "Official ε and cost": ("median ε", "efficiency ratio"),
    "Accuracies": ("RA", "TA", "forget accuracy", "ToW", "loss-threshold MIA accuracy"),
    "Gaps to retraining": (
        "forget accuracy gap",
        "retain accuracy gap",
        "test accuracy gap",
    ),
    "Attacks on single examples": (
        "U-LiRA AUC",
        "U-LiRA AUC pooled",
        "U-LiRA TPR at 1 % FPR pooled",
        "U-LiRA TPR at 0.1 % FPR pooled",
    ),
    "Bounds that hold for any attack": (
        "certified ε",
        "certified mean ε",
        "certified ε of the worst example",
        "certified GDP µ",
    ),
    "Distances between the distributions": (
        "KLOM mean",
        "KLOM P95",
        "GDP µ",
        "Kolmogorov–Smirnov",
    ),
    "Where the confidences lie": (SPREAD, SHIFT),
}
NOTES = {
    "Attacks on single examples": (
        "True positive rates are pooled over the examples; those of each example's own "
        "curve would need 200 retrained models for 1 % and 2,000 for 0.1 %."
    ),
    "Bounds that hold for any attack": (
        "Certified ε and µ are means over the examples of what is proven of each by "
        "itself, with 95 %; such a mean is no bound. Certified mean ε bounds the mean "
        "ε from below, that of the worst example the largest ε: each holds with 95 %, "
        "so there is no interval."
    ),
    "Where the confidences lie": (
        "No metrics of the field: they show what the others see. Medians over the "
        "forget examples of the calibrated confidence's standard deviation over runs "
        "by that over the retrained models (spread; 1 is ideal), and of the distance "
        "of the means in standard deviations of the retrained models (shift; 0 is "
        "ideal), in the mean over the originals."
    ),
}


#: Left out of the matrix: they rank as the accuracies do, or are no metrics.
ASIDE = (*GROUPS["Gaps to retraining"], *GROUPS["Where the confidences lie"])


def number(value: float | None, name: str) -> str:
    """Write a number with the digits of its metric."""
    return figure(value, _DIGITS.get(name, 3))


def cell(measure: Measure, name: str) -> str:
    """Write a value with its interval."""
    value = number(measure.value, name)
    if measure.low is None or measure.high is None:
        return value
    return f"{value} ({number(measure.low, name)}, {number(measure.high, name)})"


def label(row: Row) -> str:
    """Name a row, and say why it is not ranked."""
    if row.is_control:
        return f"{row.name} (control)"
    return f"{row.name} (over budget)" if row.is_over_budget else row.name


def metric_tables(rows: Sequence[Row]) -> str:
    """Lay out all metrics, a table for each group, controls and retraining last."""
    ordered = sorted(rows, key=lambda row: row.is_control)
    return "\n\n".join(
        "\n\n".join(
            part
            for part in (f"### {title}", NOTES.get(title, ""), _group(names, ordered))
            if part
        )
        for title, names in GROUPS.items()
    )


def _group(names: Sequence[str], rows: Sequence[Row]) -> str:
    body = [
        (label(row), *(cell(row.measures[name], name) for name in names))
        for row in rows
    ]
    best = [rows[0].measures[name].at_best for name in names]
    last = (RETRAINING, *map(number, best, names))
    return table(("submission", *names), [*body, last])


def comparable(rows: Sequence[Row]) -> dict[str, NDArray[np.float64]]:
    """Collect the metrics that rank: all values there, and not all the same.

    Parameters
    ----------
    rows : sequence of Row

    Returns
    -------
    dict of ndarray, shape [rows]
        The metrics' values, turned so that larger is better.
    """
    columns = {
        name: np.array([row.measures[name].goodness for row in rows])
        for names in GROUPS.values()
        for name in names
    }
    return {
        name: column
        for name, column in columns.items()
        if np.isfinite(column).all() and np.ptp(column) > 0
    }


def tau_tables(rows: Sequence[Row]) -> str:
    """Lay out the rank correlations between all metrics, without the controls."""
    entrants = [row for row in rows if not row.is_control]
    columns = comparable(entrants)
    return (
        f"Kendall's τ-b over {len(entrants)} submissions, the controls left out. Each "
        "metric is turned so that better is higher; where retraining's own value is "
        "best, nearer to it is better. The intervals draw the submissions with "
        "replacement (2,000 times) and say nothing of the noise in each value.\n\n"
        f"{_against_quality(columns)}\n\n{_matrix(columns)}"
    )


def _against_quality(columns: dict[str, NDArray[np.float64]]) -> str:
    quality = columns[CALIBRATED_QUALITY]
    weights = drawn_weights(len(quality), seed=_SEED)
    rows = []
    for name, column in columns.items():
        if name == CALIBRATED_QUALITY:
            continue
        spread = spread_of_taus(column, quality, weights)
        rows.append(
            (
                name,
                short(tau(column, quality)),
                f"{short(spread.low)} to {short(spread.high)}",
                *(short(tau(column, columns[of])) for of in (QUALITY, SPREAD, SHIFT)),
            )
        )
    header = ("metric", "τ with calibrated F", "95 % interval", QUALITY, SPREAD, SHIFT)
    return table(header, rows)


def _matrix(columns: dict[str, NDArray[np.float64]]) -> str:
    shown = {name: each for name, each in columns.items() if name not in ASIDE}
    rows = [
        (
            f"{place} {name}",
            *(
                "" if other is each else short(tau(each, other))
                for other in shown.values()
            ),
        )
        for place, (name, each) in enumerate(shown.items(), start=1)
    ]
    return table(("", *map(str, range(1, len(shown) + 1))), rows)


def short(value: float) -> str:
    """Write a correlation."""
    return figure(value, 2)


def replicate_table(first: Sequence[Row], second: Sequence[Row]) -> str:
    """Lay out how a second scoring falls into the intervals of the first.

    Raises
    ------
    SystemExit
        If the two have fewer than three rows in common.
    """
    again = {row.name: row for row in second}
    pairs = [(row, again[row.name]) for row in first if row.name in again]
    if len(pairs) < 3:
        raise SystemExit(
            f"the two scorings have {len(pairs)} submissions in common; 3 are needed."
        )
    body = [
        (
            label(row),
            *(
                text
                for name in (CALIBRATED, SCORE)
                for text in _confirmed(row.measures[name], other.measures[name], name)
            ),
        )
        for row, other in pairs
    ]
    header = ("submission", CALIBRATED, "again", "inside", SCORE, "again", "inside")
    return (
        f"A second scoring with seed {second[0].seed} against the first with seed "
        f"{first[0].seed}, same bank. {_agreement_words(pairs)} In brackets: where a "
        "second value falls in 95 % of the cases.\n\n"
        f"{table(header, body)}"
    )


def is_inside(first: Measure, second: Measure) -> bool:
    """Say whether the second value lies where the first says that it will."""
    low, high = first.low_repeated, first.high_repeated
    if low is None or high is None or second.value is None:
        return False
    return low <= second.value <= high


def _confirmed(first: Measure, second: Measure, name: str) -> tuple[str, str, str]:
    inside = "yes" if is_inside(first, second) else "**no**"
    expected = first._replace(low=first.low_repeated, high=first.high_repeated)
    return cell(expected, name), number(second.value, name), inside


def _agreement_words(pairs: Sequence[tuple[Row, Row]]) -> str:
    """Sum up the ranked rows: neither controls nor over the budget in any scoring."""
    ranked = [
        pair
        for pair in pairs
        if not any(row.is_control or row.is_over_budget for row in pair)
    ]
    inside = [
        sum(is_inside(a.measures[name], b.measures[name]) for a, b in ranked)
        for name in (CALIBRATED, SCORE)
    ]
    scorings = list(zip(*ranked, strict=True))
    orders = [
        [np.array([row.measures[name].goodness for row in rows]) for rows in scorings]
        for name in (CALIBRATED, SCORE)
    ]
    taus = [short(tau(*order)) for order in orders]
    return (
        f"Of the {len(ranked)} ranked submissions the second value lies in the first's "
        f"95 % interval for a repetition for {inside[0]} (calibrated) and {inside[1]} "
        "(official); "
        "Kendall's τ-b between "
        f"the two rankings is {taus[0]} (calibrated) and {taus[1]} (official)."
    )


def metrics_report(rows: Sequence[Row], second: Sequence[Row] | None) -> str:
    """Put the sections of the page together."""
    track, split, bank, n_models = rows[0].setting
    parts = [
        f"{len(rows)} results on {track}: N = {n_models}, scoring seed {rows[0].seed}, "
        f"split seed {split}, reference bank {bank}. Best score first; 95 % intervals "
        "in brackets.",
        "## Every metric of every submission",
        metric_tables(rows),
        "## Rank agreement between metrics",
        tau_tables(rows),
    ]
    if second:
        parts += ["## A second scoring", replicate_table(rows, second)]
    return "\n\n".join(parts)


def main() -> None:
    """Read the command line, print the report, write the pages."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--second", type=Path, metavar="RESULTS")
    parser.add_argument("--track", default=TRACK)
    parser.add_argument("--write", type=Path, metavar="PAGE")
    parser.add_argument("--world", type=Path, metavar="PAGE")
    options = parser.parse_args()
    folders = [options.results] + ([options.second] if options.second else [])
    rows, *others = read_scorings(folders, options.track)
    report = metrics_report(rows, others[0] if others else None)
    print(report)
    if options.write:
        write_page(options.write, "Every metric, side by side", report)
    if options.world:
        world = world_report(rows)
        print(world)
        write_page(options.world, "Does it agree with the competition?", world)


if __name__ == "__main__":
    main()
