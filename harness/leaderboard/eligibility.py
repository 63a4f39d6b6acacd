"""What a result must have been measured on to stand beside the others."""

from dataclasses import dataclass
from functools import cached_property

from harness.metrics import METRICS_VERSION
from harness.reference import ReferenceBank, find_bank
from harness.results.schema import Result
from harness.scoring.reference import Reference
from harness.tasks.registry import find_task
from harness.track import Track

_ISOLATION = "full"


@dataclass(frozen=True)
class Eligibility:
    """The track, with its split, and the bank that all rows are compared with."""

    track: Track
    bank: ReferenceBank

    @classmethod
    def of(cls, track: Track) -> "Eligibility":
        """Find the track's bank."""
        n_models = track.evaluation.n_models
        return cls(track, find_bank(find_task(track), at_least=n_models))

    @property
    def n_models(self) -> int:
        """N, the track's own."""
        return self.track.evaluation.n_models

    @cached_property
    def reference(self) -> Reference:
        """The models that every row is compared with; ceilings are computed once."""
        delta = self.track.evaluation.delta
        return Reference.of_bank(self.bank, self.n_models, delta)

    def refusal(self, result: Result, *, secret: bool = False) -> str:
        """Say why a result cannot be ranked here; empty if it can.

        The seed of a split is never named: a private one is the organizer's secret.
        With `secret` no hash is either, from which that seed could be guessed.
        """
        if not is_of_split(result, self.track):
            return "another split of the track: not ranked"
        made = result.provenance
        wanted = (
            ("track version", made.track_hash, self.track.hash),
            ("reference bank", made.bank_key, self.bank.key),
            ("size of the reference bank", made.bank_size, len(self.bank)),
            ("N", result.n_models, self.n_models),
            ("original models", made.originals, self.track.evaluation.originals),
            ("delta", made.delta, self.track.evaluation.delta),
            ("metrics version", made.metrics_version, METRICS_VERSION),
        )
        for words, found, needed in wanted:
            if found != needed:
                if secret:
                    return f"another {words} on the private split: not ranked"
                return f"{words} {found}, not {needed}: not ranked"
        if made.isolation.level != _ISOLATION:
            return f"isolation {made.isolation.level}: not ranked"
        official = made.secret_name or result.unknown_cost
        return "" if official else "scored without --official: not ranked"


def is_of_split(result: Result, track: Track) -> bool:
    """Whether a result was measured on the track's forget set."""
    return result.provenance.split_seed == track.data.split_seed
