"""What every metric of the literature is computed from."""

from dataclasses import dataclass

from harness.errors import UsageError
from harness.metrics.inputs.confidence import ConfidencePair, forget_pair
from harness.models.outputs import Floats, ModelOutputs


@dataclass(frozen=True)
class Comparison:
    """Unlearned models, the retrained ones to hold them against, and a seed.

    Attributes
    ----------
    unlearned, retrained : ModelOutputs
        N and M models, two or more, on the same forget examples.
    held_out : ModelOutputs or None
        Further retrained models, for nulls at full size.
    seed : int
        Of whatever a metric draws.
    n_originals : int, default 1
        Of how many such comparisons, each with the models of one original, the mean is
        to be taken; a metric may then draw less for each.
    """

    unlearned: ModelOutputs
    retrained: ModelOutputs
    held_out: ModelOutputs | None = None
    seed: int = 0
    n_originals: int = 1

    def __post_init__(self) -> None:
        _ = self.pair
        held_out, retrained = self.held_out, self.retrained
        if held_out is not None and held_out.n_examples != retrained.n_examples:
            raise UsageError(
                f"The held-out confidences cover {held_out.n_examples} examples and "
                f"the retrained ones {retrained.n_examples}; give both on the same "
                "forget set."
            )

    @property
    def pair(self) -> ConfidencePair:
        """Forget confidences ``[N, S]`` and ``[M, S]``."""
        return forget_pair(self.unlearned, self.retrained)

    @property
    def held_out_confidence(self) -> Floats | None:
        """Forget confidences ``[H, S]`` of the held-out models, if there are any."""
        return None if self.held_out is None else self.held_out.forget_confidence
