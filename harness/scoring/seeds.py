"""The seed of each run."""

import hashlib
import hmac

from harness.run.submission import Submission
from harness.seeds import derive_seed
from harness.track.schema import Track


def run_seeds(
    track: Track, submission: Submission, seed: int, n_models: int, secret: bytes = b""
) -> list[int]:
    """Seeds of the runs of a submission, from (track, submission, seed, index).

    A track's hash holds its split seed. With a secret they are an HMAC of all that, and
    who does not hold it learns from one seed neither another nor the index.

    Parameters
    ----------
    track : Track
    submission : Submission
    seed : int
        Of the scoring.
    n_models : int
        N.
    secret : bytes
        The organizer's; empty for seeds that everybody gets.

    Returns
    -------
    list of int
        In ``[0, 2**63)``.
    """
    parts = (track.hash, submission.sha256, seed)
    public = [derive_seed("run", *parts, index) for index in range(n_models)]
    return [_keyed(number, secret) for number in public] if secret else public


def _keyed(number: int, secret: bytes) -> int:
    digest = hmac.digest(secret, number.to_bytes(8, "little"), hashlib.sha256)
    return int.from_bytes(digest[:8], "little") >> 1


def secret_name(secret: bytes) -> str:
    """Name a secret without giving it away; empty for none."""
    return hashlib.sha256(b"name" + secret).hexdigest()[:12] if secret else ""
