"""The seed of each run."""

from harness.runner.submission import Submission
from harness.seeds import derive_seed
from harness.track.schema import Track


def run_seeds(
    track: Track, submission: Submission, seed: int, n_models: int
) -> list[int]:
    """Seeds of the runs of a submission, from (track, submission, seed, index).

    A track's hash holds its split seed.
    """
    parts = (track.hash, submission.sha256, seed)
    return [derive_seed("run", *parts, index) for index in range(n_models)]
