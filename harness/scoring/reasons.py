"""Verdicts on a submission, in words."""

import shlex

from harness.execution.local import Job
from harness.metrics.uncertainty.efficiency import EfficiencyRatio
from harness.run.checkpoints import CheckpointSet
from harness.run.messages import Failure
from harness.scoring.checkpoints import Entry, checkpoint_failure
from harness.scoring.settings import ScoreSettings


def over_budget_reason(
    efficiency: EfficiencyRatio, n_finished: int, n_models: int
) -> str:
    """Say what the runs cost, what they may cost, and whether they were cut short.

    Parameters
    ----------
    efficiency : EfficiencyRatio
        A ratio over the cap.
    n_finished, n_models : int
        Runs done, and asked for.
    """
    interval = ""
    if efficiency.low is not None and efficiency.high is not None:
        interval = f" ({efficiency.low:.2f} to {efficiency.high:.2f})"
    reason = (
        f"it costs {efficiency.ratio:.2f} of a retraining{interval}; "
        f"the cap is {efficiency.cap:.2f}."
    )
    if n_finished < n_models:
        reason += f" It was stopped after {n_finished} of {n_models} runs."
    return reason


def failure_reason(submission: Entry, job: Job, failure: Failure) -> str:
    """Say which run, or which checkpoint, failed, and how."""
    if isinstance(submission, CheckpointSet):
        return checkpoint_failure(submission, job.index, failure).reason
    return f"run {job.index} (seed {job.request.seed}): {failure.reason}"


def repeat_command(
    submission: Entry, job: Job, settings: ScoreSettings, level: str
) -> str:
    """Give the command that does a failed run again; none for a checkpoint.

    Parameters
    ----------
    submission : Submission or CheckpointSet
        Whose run it was.
    job : Job
        The run.
    settings : ScoreSettings
        What was asked of the scoring.
    level : str
        Its level of isolation.
    """
    if isinstance(submission, CheckpointSet):
        return ""
    track = settings.track
    command = f"unlearn-eval validate {shlex.quote(str(submission.path))}"
    command += f" {track.options}"
    if settings.device != track.device:
        command += f" --device {settings.device}"
    return f"{command} --isolation {level} --seed {job.request.seed}"
