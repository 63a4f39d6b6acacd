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
        How many of those have their second score inside the first's 95 % interval
        for a repetition; None where there are no intervals.
    inside_mean : int or None
        The same with the narrower interval of the mean over repetitions.
    kendall_tau : float or None
        Kendall's τ-b between the two orders; None with fewer than two rows, or where
        all scores are equal.
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


def agreement_of(cells: Sequence[Cells]) -> Agreement:
    """Compare the replicates of the ranked rows of a table.

    Parameters
    ----------
    cells : sequence of dict
        The table as text, so that everyone who reads the file gets these numbers.
    """
    ranked = [row for row in cells if row["role"] == Role.RANKED]
    twice = [row for row in ranked if row["score_second_replicate"]]
    inside, inside_mean = (_n_inside(twice, name) for name in ("repeat", "score"))
    second = [float(row["score_second_replicate"]) for row in twice]
    tau = kendall_tau([float(row["score"]) for row in twice], second)
    return Agreement(len(ranked), len(twice), inside, inside_mean, tau)


def _n_inside(rows: Sequence[Cells], interval: str) -> int | None:
    """Count second scores inside an interval of the first; None if there is none."""
    low, high = f"{interval}_low", f"{interval}_high"
    if not rows or not all(row[low] for row in rows):
        return None
    return sum(
        float(row[low]) <= float(row["score_second_replicate"]) <= float(row[high])
        for row in rows
    )


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Kendall's τ-b, or None where it is not defined."""
    if min(len(set(first)), len(set(second))) < 2:
        return None
    # Importing scipy.stats takes half a second that no other command should wait for.
    from scipy.stats import kendalltau  # noqa: PLC0415

    return float(kendalltau(first, second).statistic)
