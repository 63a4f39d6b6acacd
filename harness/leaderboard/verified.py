"""What an organizer vouches for: rows run again, and scores met on a private split.

A checksum tells of a change and not of who made it: whoever has the harness can write
a result of no run at all whose sums and figures are right. Only somebody else's run
shows that a row is true. The organizer's record of it lies beside the row's results,
and where the board has ``allowed_signers`` it counts only when one of them signed it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from harness.errors import CheckFailed
from harness.leaderboard.replicates import Replicates
from harness.leaderboard.signature import SIGNERS, is_signed, sign, signature_path
from harness.leaderboard.stored import StoredResult
from harness.results.schema import Number, Result
from harness.results.serialization import from_json, to_json
from harness.results.store import EXAMPLES, MODELS
from harness.storage.checksums import checked_json, json_with_checksum
from harness.storage.files import sha256_of, write_atomic
from harness.storage.files import to_json as json_text

RECORD = "verified.json"
SUBMITTER, ORGANIZER, SIGNED = "submitter", "organizer", "organizer (signed)"


@dataclass(frozen=True, kw_only=True)
class Verified:
    """An organizer's record of a submission.

    `results` are digests of the stored runs, by their folder, whose intervals held when
    the organizer ran `source` again, with seeds of the secret `secret_name`;
    `confirmed` is the digest of those that a private split bore out.
    """

    submission: str
    track_hash: str
    source: str
    secret_name: str = ""
    rerun_seed: int | None = None
    rerun_score: float | None = None
    results: dict[str, str] = field(default_factory=dict)
    confirmed: str = ""


class Vouched(NamedTuple):
    """What a record says of a row, for its columns."""

    run_by: str = SUBMITTER
    confirmed: bool = False


def record_path(backing: Path, name: str) -> Path:
    """Where the record of a submission lies on a board."""
    return backing / name / RECORD


def read_record(path: Path) -> Verified | None:
    """Read a record; None if there is none."""
    if not path.is_file():
        return None
    try:
        return from_json(Verified, checked_json(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise CheckFailed(
            f"{path} cannot be read ({error}); remove it, and have the organizer make "
            "it again with: unlearn-eval leaderboard --rerun NAME --record."
        ) from None


def vouched(backing: Path, groups: Iterable[Replicates]) -> Mapping[str, Vouched]:
    """Look up what records of a board say of submissions, by name."""
    return {group.first.name: _vouched(backing, group) for group in groups}


def _vouched(backing: Path, group: Replicates) -> Vouched:
    path = record_path(backing, group.first.name)
    record = read_record(path)
    if record is None or not is_of(record, group.first):
        return Vouched()
    signers = backing.parent / SIGNERS
    signed = signers.exists() and is_signed(path, signers)
    if signers.exists() and not signed:
        return Vouched()
    covered = all(
        record.results.get(f"seed-{each.seed}") == digest_of(each)
        for each in group.results
    )
    by = (SIGNED if signed else ORGANIZER) if covered else SUBMITTER
    return Vouched(by, record.confirmed == digest_of(group.first))


def is_of(record: Verified, stored: StoredResult) -> bool:
    """Whether a record is of the source and track of a result."""
    ours = (stored.name, stored.sha256, stored.result.provenance.track_hash)
    return ours == (record.submission, record.source, record.track_hash)


def digest_of(stored: StoredResult) -> str:
    """Digest all that the figures of a result are computed from."""
    made, files = stored.result.provenance, (EXAMPLES, MODELS)
    content = {
        "status": str(stored.result.status),
        "source": stored.sha256,
        "track": made.track_hash,
        "bank": made.bank_key,
        "seed": made.seed,
        "device": made.device,
        "isolation": made.isolation.level,
        "retraining_seconds": list(made.retraining_seconds),
        **{name: _sum(stored.path / name) for name in files},
    }
    return sha256_of(json_text(content).encode())


def _sum(path: Path) -> str:
    return sha256_of(path.read_bytes()) if path.is_file() else ""


def write_record(
    backing: Path, first: StoredResult, key: Path | None, **found: object
) -> None:
    """Write what was found into the record of a submission, and sign it with a key."""
    path = record_path(backing, first.name)
    record = read_record(path)
    if record is None or not is_of(record, first):
        record = Verified(
            submission=first.name,
            track_hash=first.result.provenance.track_hash,
            source=first.sha256,
        )
    record = replace(record, **found)  # type: ignore[arg-type]
    signature_path(path).unlink(missing_ok=True)
    write_atomic(path, json_with_checksum(to_json(record)))
    if key is not None:
        sign(path, key)


def confirmed_names(
    public: Sequence[Replicates], private: Sequence[Replicates]
) -> set[str]:
    """Name the submissions whose score a private split confirms."""
    hidden = {group.first.name: group.first for group in private}
    return {
        group.first.name
        for group in public
        if (other := hidden.get(group.first.name)) is not None
        and other.sha256 == group.first.sha256
        and is_confirmed(group.first.result, other.result)
    }


def is_confirmed(public: Result, private: Result) -> bool:
    """Whether a score stands up on a split that nobody could tune on, or know.

    As shares of the ceilings, the private 95 % interval for other forget sets must not
    end below the beginning of the public one.
    """
    least = _share(public.metrics.ranked_score, "low_drawn")
    most = _share(private.metrics.ranked_score, "high_drawn")
    return least is not None and most is not None and least <= most


def _share(score: Number | None, end: str) -> float | None:
    value: float | None = getattr(score, end, None)
    if score is None or value is None or not score.ceiling:
        return None
    return value / score.ceiling


def awaits_confirmation(result: Result) -> bool:
    """Whether a result is better than retraining itself plausibly gets.

    No method forgets better than retraining: what seems to has most likely learnt the
    public bank's own numbers.
    """
    measured = result.metrics
    found = (
        measured.score,
        measured.forgetting_quality,
        measured.calibrated_score,
        measured.calibrated_forgetting_quality,
    )
    return any(
        each is not None
        and each.ceiling_high is not None
        and each.value > each.ceiling_high
        for each in found
    )
