"""The request for one run: the same for scoring, calibration and validation."""

from harness.run.messages import RunRequest
from harness.run.submission import Submission

_MEMORY_BYTES = 8 << 30


def run_request(
    submission: Submission, seed: int, device: str, budget_seconds: float | None
) -> RunRequest:
    """Ask for one call of a submission.

    Parameters
    ----------
    submission : Submission
        What to call.
    seed : int
        Of the run.
    device : str
        On a GPU there is no limit: CUDA maps far more memory than it uses.
    budget_seconds : float or None
        What a run may cost, passed to a submission that names it.
    """
    memory = _MEMORY_BYTES if device == "cpu" else None
    name = submission.path.name
    return RunRequest(name, submission.source, seed, budget_seconds, memory)
