"""Do two replicates agree? The reproducibility of a table as two numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.leaderboard.columns import Role

if TYPE_CHECKING:
    import pandas as pd


#: Columns of a score, of its second replicate, and of the intervals of a repetition and
#: of the mean without their ends: of the official score, and of the calibrated one.
_OFFICIAL = ("score", "score_second_replicate", "repeat", "score")
_CALIBRATED = (
    "calibrated_score",
    "calibrated_second_replicate",
    "calibrated_repeat",
    "calibrated",
)


@dataclass(frozen=True)
class Agreement:
    """How the second replicate's scores compare with the first's.

    Of the `ranked` rows, `replicated` were scored twice; of those `inside` have their
    second score inside the first's 95 % interval for a repetition, and `inside_mean`
    inside the narrower one of the mean: None where there are no intervals. Kendall's
    τ-b is None with fewer than two rows, or where all scores are equal.
    """

    ranked: int
    replicated: int
    inside: int | None
    inside_mean: int | None
    kendall_tau: float | None

    @property
    def share_inside(self) -> float | None:
        """The share of second scores inside the first's interval."""
        if self.inside is None or self.replicated == 0:
            return None
        return self.inside / self.replicated


def agreement_of(table: "pd.DataFrame") -> Agreement:
    """Compare the replicates of the ranked rows, by the score that decides ranks.

    From the table as text, so that everyone who reads the file gets these numbers.
    """
    ranked = table[table["role"] == Role.RANKED]
    is_calibrated = bool((ranked["calibrated_score"] != "").any())
    score, second, *intervals = _CALIBRATED if is_calibrated else _OFFICIAL
    twice = ranked[ranked[second] != ""]
    inside, inside_mean = (_n_inside(twice, second, name) for name in intervals)
    scores = (twice[column].astype(float) for column in (score, second))
    tau = kendall_tau(*(list(each) for each in scores))
    return Agreement(len(ranked), len(twice), inside, inside_mean, tau)


def _n_inside(twice: "pd.DataFrame", column: str, interval: str) -> int | None:
    """Count second scores inside an interval of the first; None if there is none."""
    ends = twice[[f"{interval}_low", f"{interval}_high"]]
    if twice.empty or bool((ends.iloc[:, 0] == "").any()):
        return None
    second = twice[column].astype(float)
    low, high = (ends[name].astype(float) for name in ends)
    return int(second.between(low, high).sum())


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Kendall's τ-b, or None where it is not defined."""
    if min(len(set(first)), len(set(second))) < 2:
        return None
    # Importing scipy.stats takes half a second that no other command should wait for.
    from scipy.stats import kendalltau  # noqa: PLC0415

    return float(kendalltau(first, second).statistic)
