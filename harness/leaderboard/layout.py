"""What people see of the table: its parts, and the sentences that go with it.

Everything here is made of the cells of the CSV file alone.
"""

from typing import TYPE_CHECKING, NamedTuple

from harness.leaderboard.agreement import agreement_of
from harness.leaderboard.cells import Cells, records
from harness.leaderboard.columns import Column, Role, columns_of
from harness.leaderboard.ranking import RULE

if TYPE_CHECKING:
    import pandas as pd

_SECTIONS = {
    Role.RANKED: "",
    Role.CONTROL: "Controls, never ranked",
    Role.UNRANKED: "Not ranked",
}


class Heading(NamedTuple):
    """What stands above a column in one part of the table."""

    words: str
    column: Column


class Section(NamedTuple):
    """A part of the table; it has no `title` where the ranked rows are."""

    title: str
    headings: list[Heading]
    rows: list[Cells]


def sections(table: "pd.DataFrame") -> list[Section]:
    """Part a table into ranked rows, controls, and rows that are not ranked."""
    private = is_private(table)
    found = [
        Section(title, _headings(role, private), records(table[table["role"] == role]))
        for role, title in _SECTIONS.items()
    ]
    return [section for section in found if section.rows]


def _headings(role: Role, private: bool) -> list[Heading]:
    private = private and role == Role.RANKED
    renamed = {"rank": "public rank"} if private else {}
    if role == Role.CONTROL:
        renamed = {"submission": "control"}
    columns = [c for c in columns_of(private=private) if role in c.shown.parts]
    columns.sort(key=lambda column: column.shown.place)
    return [Heading(renamed.get(c.name, c.shown.heading), c) for c in columns]


def is_private(table: "pd.DataFrame") -> bool:
    """Whether there are columns of a private split."""
    return "private_rank" in table


def sentences(table: "pd.DataFrame") -> list[str]:
    """Say how rows are ranked, what on, and how well a second replicate agrees."""
    return [_ranking_rule(table), _measured_on(table), _replicated(table)]


def _ranking_rule(table: "pd.DataFrame") -> str:
    if not is_private(table):
        return RULE
    return (
        f"{RULE} The order is that of the private split, whose forget set, original "
        "model and bank nobody could tune on; the public rank stands beside it. "
        "Shake-up is the public rank minus the private one."
    )


def _measured_on(table: "pd.DataFrame") -> str:
    one = table.iloc[0]
    return (
        f"N = {one['n_models']} unlearned models of each of {one['originals']} "
        "original models a row, held against as many retrained ones; full "
        f"isolation; track version {one['track']}, reference bank {one['bank']}. "
        "Scores stand beside retraining's own as a share of the ceiling; RA and TA are "
        "ratios to retrained models, cost is in retrainings, certified ε is the median "
        "over the forget examples of what is proven of each by itself, and no bound of "
        "the median ε. Scored again against the same bank, a submission "
        "falls between the two ends in 95 % of the cases; second is the score of a "
        "second replicate."
    )


def _replicated(table: "pd.DataFrame") -> str:
    found = agreement_of(table)
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
