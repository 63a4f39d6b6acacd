"""The order of methods in the NeurIPS'23 competition, beside the order found here."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import norm

from scripts.measures import Measure, Row
from scripts.pages import figure, table
from scripts.rank_correlation import (
    DRAWS,
    Floats,
    Spread,
    chance,
    drawn_weights,
    spread_of_taus,
    tau,
)

PRIVATE_SCORES = {
    "random_mask": 0.0937,
    "seif": 0.0885,
    "sebastian": 0.0863,
    "conv_transpose": 0.0785,
    "finetune": 0.052,
    "gradient_ascent": 0.0001,
}
"""Private leaderboard scores, as far as they are known. Fine-tuning: the middle of
0.046 and 0.058, two runs of the template; NegGrad: the Forget team's public score."""

PRIVATE_RANKS = {
    "fanchuan": 2,
    "kookmin": 3,
    "seif": 4,
    "sebastian": 5,
    "conv_transpose": 6,
    "amnesiacs": 7,
    "sun": 8,
    "forget_cycles": 9,
    "finetune": 10,
    "gradient_ascent": 11,
}
"""Private leaderboard ranks of the eight prize entries; the last two are no ranks of
theirs, but both methods lie far below all prize entries."""

_SEED = 2023


def world_report(rows: Sequence[Row]) -> str:
    """Lay out both comparisons with the competition.

    Raises
    ------
    SystemExit
        If fewer than three of the methods are among the rows.
    """
    track, split, _, n_models = rows[0].setting
    ranks = {name: -float(rank) for name, rank in PRIVATE_RANKS.items()}
    return "\n\n".join(
        [
            f"{track}: N = {n_models}, seed {rows[0].seed}, split seed {split}.",
            "## Methods whose private score is known",
            comparison(rows, PRIVATE_SCORES, "private score", "{:.4f}"),
            "## Prize entries by their private rank",
            comparison(rows, ranks, "private rank", "{:.0f}"),
        ]
    )


def comparison(
    rows: Sequence[Row], theirs: Mapping[str, float], heading: str, form: str
) -> str:
    """Lay out one comparison: the table, and tau with what it is worth.

    Parameters
    ----------
    rows : sequence of Row
    theirs : mapping of float
        Larger is better, by the names of submissions, best first.
    heading, form : str
        Of their column; a rank is given as its negative.
    """
    measures = {row.name: row.score for row in rows if row.name in theirs}
    if len(measures) < 3:
        raise SystemExit(f"{len(measures)} of {', '.join(theirs)} are scored; 3 needed")
    names = [name for name in theirs if name in measures]
    ours = np.array([measures[name].goodness for name in names])
    world = np.array([theirs[name] for name in names])
    body = [
        (
            name,
            form.format(abs(theirs[name])),
            _with_interval(measures[name]),
            str(1 + int((ours > own).sum())),
        )
        for name, own in zip(names, ours, strict=True)
    ]
    header = ("submission", heading, "score here", "place here")
    absent = [name for name in theirs if name not in measures]
    note = f" Not scored: {', '.join(absent)}." if absent else ""
    words = correlation_words(world, ours, deviations([measures[n] for n in names]))
    return f"{table(header, body)}\n\n{words}{note}"


def deviations(measures: Sequence[Measure]) -> Floats:
    """Return the standard deviations that 95 % intervals stand for, ``[n]``."""
    widths = [(m.high or 0.0) - (m.low or 0.0) for m in measures]
    return np.array(widths) / (2 * norm.ppf(0.975))


def correlation_words(world: Floats, ours: Floats, noise: Floats) -> str:
    """Say what tau is, how far it can be trusted, and what chance would give.

    Parameters
    ----------
    world, ours : ndarray, shape [n]
        Larger is better.
    noise : ndarray, shape [n]
        Standard deviations of ours.
    """
    rng = np.random.default_rng(_SEED)
    drawn = rng.normal(ours, noise, (DRAWS, len(ours)))
    weights = drawn_weights(len(ours), seed=_SEED)
    models = spread_of_taus(world, drawn, np.ones(len(ours)))
    methods = spread_of_taus(world, ours, weights)
    both = spread_of_taus(world, drawn, weights)
    return (
        f"Kendall's τ-b over {len(ours)} methods: **{figure(tau(world, ours), 2)}**. "
        f"95 % of the values, were our models drawn anew (each score from its "
        f"interval): {_range(models)}; were the methods drawn anew: {_range(methods)}; "
        f"both: {_range(both)}. A random order does as well with probability "
        f"{chance(world, ours):.3f} (exact, one-sided)."
    )


def _with_interval(measure: Measure) -> str:
    value, low, high = (figure(x, 4) for x in measure[:3])
    return f"{value} ({low}, {high})"


def _range(spread: Spread) -> str:
    return f"{figure(spread.low, 2)} to {figure(spread.high, 2)}"
