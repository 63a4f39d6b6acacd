"""Do two replicates agree? The reproducibility of a table as two numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.leaderboard.columns import Cells
from harness.leaderboard.row import Role


@dataclass(frozen=True)
class Agreement:
    """How the second replicate's scores compare with the first's.

    Attributes
    ----------
    ranked : int
        Ranked rows.
    replicated : int
        Ranked rows that were scored twice.
    inside : int or None
        How many of those have their second score inside the first's 95 % interval;
        None where there are no intervals.
    kendall_tau : float or None
        Kendall's τ-b between the two orders; None with fewer than two rows, or where
        all scores are equal.
    """

    ranked: int
    replicated: int
    inside: int | None
    kendall_tau: float | None

    @property
    def share_inside(self) -> float | None:
        """The share of second scores inside the first's interval."""
        if self.inside is None or self.replicated == 0:
            return None
        return self.inside / self.replicated


def agreement_of(cells: Sequence[Cells]) -> Agreement:
    """Compare the replicates of the ranked rows of a table.

    Parameters
    ----------
    cells : sequence of dict
        The table as text, so that everyone who reads the file gets these numbers.
    """
    ranked = [row for row in cells if row["role"] == Role.RANKED]
    twice = [row for row in ranked if row["score_second_replicate"]]
    second = [float(row["score_second_replicate"]) for row in twice]
    inside = None
    if twice and all(row["score_low"] for row in twice):
        inside = sum(
            float(row["score_low"]) <= score <= float(row["score_high"])
            for row, score in zip(twice, second, strict=True)
        )
    tau = kendall_tau([float(row["score"]) for row in twice], second)
    return Agreement(len(ranked), len(twice), inside, tau)


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Kendall's τ-b, or None where it is not defined."""
    if min(len(set(first)), len(set(second))) < 2:
        return None
    # Importing scipy.stats takes half a second that no other command should wait for.
    from scipy.stats import kendalltau  # noqa: PLC0415

    return float(kendalltau(first, second).statistic)
