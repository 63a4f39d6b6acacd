"""What is left of a model's accuracy, and the official score made of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.models.outputs import Floats, ModelOutputs

Models = NDArray[np.intp]


def score(
    forgetting_quality: float, unlearned: ModelOutputs, retrained: ModelOutputs
) -> float:
    """Return the official score ``F * (RA_U / RA_R) * (TA_U / TA_R)``.

    Parameters
    ----------
    forgetting_quality : float
        F, 0 to 1.
    unlearned, retrained : ModelOutputs
        With retain and test accuracies.

    Raises
    ------
    UsageError
        F outside 0 .. 1, no accuracies, or retrained models whose accuracy is 0.
    """
    if not 0 <= forgetting_quality <= 1:
        raise UsageError(
            f"forgetting quality is {forgetting_quality}; it must lie in 0 .. 1."
        )
    retain, test = Utility(unlearned, retrained).ratios
    return float(forgetting_quality) * retain * test


@dataclass(frozen=True)
class Utility:
    """The factor of the score, of all models or of some: what is left of accuracy."""

    unlearned: ModelOutputs
    retrained: ModelOutputs

    @classmethod
    def between(
        cls, unlearned: ModelOutputs, retrained: ModelOutputs
    ) -> "Utility | None":
        """Hold unlearned models against retrained ones; None without accuracies."""
        known = unlearned.has_accuracies and retrained.has_accuracies
        return cls(unlearned, retrained) if known else None

    @property
    def ratios(self) -> tuple[float, float]:
        """``RA_U / RA_R`` and ``TA_U / TA_R`` of all models, not clipped."""
        return self._ratio("retain"), self._ratio("test")

    def _ratio(self, of: str) -> float:
        theirs = float(self.retrained.accuracy(of).mean())
        if theirs == 0:
            raise UsageError(
                "The retrained models have accuracy 0, so no ratio to them exists; "
                "check the reference bank."
            )
        return float(self.unlearned.accuracy(of).mean()) / theirs

    @property
    def factor(self) -> float:
        """The product of the `ratios`, by which F becomes the score."""
        retain, test = self.ratios
        return retain * test

    @property
    def clipped(self) -> float:
        """The factor with either ratio clipped at 1."""
        retain, test = self.ratios
        return min(retain, 1.0) * min(test, 1.0)

    def of_subsets(self, unlearned: Models, retrained: Models) -> Floats:
        """Return the factor ``[...]`` of models ``[..., n]`` and ``[..., m]`` alone."""
        ours, theirs = self.unlearned.accuracy, self.retrained.accuracy
        retain = ours("retain")[unlearned].mean(axis=-1)
        test = ours("test")[unlearned].mean(axis=-1)
        retain = retain / theirs("retain")[retrained].mean(axis=-1)
        return np.asarray(retain * test / theirs("test")[retrained].mean(axis=-1))
