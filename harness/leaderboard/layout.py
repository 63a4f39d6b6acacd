"""What people see of the table: sections, headings, fewer digits, and sentences.

Everything here is made of the cells of the CSV file alone.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from harness.leaderboard.agreement import agreement_of
from harness.leaderboard.columns import Cells
from harness.leaderboard.ranking import RULE
from harness.leaderboard.row import Role

#: Columns of words; all others are numbers.
WORDS = ("submission", "status", "reason", "flags")
_NUMBERS = {
    "score": "score",
    "interval": "95 % interval",
    "repeat": "scored again",
    "share_of_ceiling": "of ceiling",
    "forgetting_quality": "F",
    "ra_ratio": "RA",
    "ta_ratio": "TA",
    "efficiency_ratio": "cost",
    "certified_epsilon": "certified ε",
    "score_second_replicate": "second",
}
_PRIVATE = {
    "private_rank": "private rank",
    "private_score": "private score",
    "private_interval": "private 95 % interval",
    "shake_up": "shake-up",
}
_INTERVALS = {
    "interval": ("score_low", "score_high"),
    "repeat": ("repeat_low", "repeat_high"),
    "private_interval": ("private_low", "private_high"),
}
_FORMATS = {
    "score": ".4f",
    "forgetting_quality": ".4f",
    "score_second_replicate": ".4f",
    "private_score": ".4f",
    "share_of_ceiling": ".0%",
    "ra_ratio": ".3f",
    "ta_ratio": ".3f",
    "efficiency_ratio": ".3f",
    "certified_epsilon": ".2f",
    "shake_up": "+.0f",
}


class Section(NamedTuple):
    """A part of the table.

    Attributes
    ----------
    heading : str
        Empty for the ranked rows.
    columns : dict
        Names of the columns, and what people call them.
    rows : list of dict
        Cells of the CSV file.
    """

    heading: str
    columns: dict[str, str]
    rows: list[Cells]


def sections(cells: Sequence[Cells]) -> list[Section]:
    """Part a table into ranked rows, controls, and rows that are not ranked."""
    by_role = {role: [row for row in cells if row["role"] == role] for role in Role}
    ranked = {"rank": "rank", "submission": "submission", **_NUMBERS, "flags": "flags"}
    if is_private(cells):
        ranked = {**_PRIVATE, **ranked, "rank": "public rank"}
    unranked = {word: word for word in ("submission", "status", "reason")}
    controls = {"submission": "control", **_NUMBERS}
    found = [
        Section("", ranked, by_role[Role.RANKED]),
        Section("Controls, never ranked", controls, by_role[Role.CONTROL]),
        Section("Not ranked", unranked, by_role[Role.UNRANKED]),
    ]
    return [section for section in found if section.rows]


def shown(row: Cells, column: str) -> str:
    """Return a cell as people read it."""
    if column in _INTERVALS:
        low, high = (row[end] for end in _INTERVALS[column])
        return f"{Decimal(low):.4f} to {Decimal(high):.4f}" if low and high else ""
    value = row[column]
    if column in _FORMATS and value:
        return format(Decimal(value), _FORMATS[column])
    return value


def is_private(cells: Sequence[Cells]) -> bool:
    """Whether there are columns of a private split."""
    return "private_rank" in cells[0]


def ranking_rule(cells: Sequence[Cells]) -> str:
    """Say how rows are ranked."""
    if not is_private(cells):
        return RULE
    return (
        f"{RULE} The order is that of the private split, whose forget set, original "
        "model and bank nobody could tune on; the public rank stands beside it. "
        "Shake-up is the public rank minus the private one."
    )


def measured_on(cells: Sequence[Cells]) -> str:
    """Say what all rows were measured on."""
    one = cells[0]
    return (
        f"N = {one['n_models']} unlearned and as many retrained models a row, full "
        f"isolation; track version {one['track']}, reference bank {one['bank']}. "
        "Scores stand beside retraining's own as a share of the ceiling; RA and TA are "
        "ratios to retrained models, cost is in retrainings, certified ε is the median "
        "over the forget examples. Scored again against the same bank, a submission "
        "falls between the two ends in 95 % of the cases; second is the score of a "
        "second replicate."
    )


def replicated(cells: Sequence[Cells]) -> str:
    """Say how well a second replicate agrees."""
    found = agreement_of(cells)
    words = (
        f"Replicates: {found.replicated} of {found.ranked} ranked rows were scored a "
        "second time with another seed."
    )
    if found.kendall_tau is not None:
        words += f" Kendall's τ between the two orders is {found.kendall_tau:.2f}."
    if found.share_inside is not None:
        words += (
            f" {found.inside} of {found.replicated} second scores "
            f"({found.share_inside:.0%}) lie in the first's 95 % interval for a "
            f"repetition, {found.inside_mean} in that of the mean."
        )
    return words
