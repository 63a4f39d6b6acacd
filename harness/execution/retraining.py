"""Measure what one retraining costs, as any run's cost is."""

from collections.abc import Callable

from harness.errors import CheckFailed
from harness.execution.local import Job, LocalExecutor
from harness.run.calibration import (
    Calibration,
    calibration_runs,
    share_slowed,
    share_waited,
)
from harness.run.cost import cost_seconds
from harness.run.submission import Submission
from harness.seeds import derive_seed


def measure_retraining(
    executor: LocalExecutor,
    oracle: Submission,
    device: str,
    n_jobs: int,
    advance: Callable[[], None] = lambda: None,
) -> Calibration:
    """Run the oracle a few times; `CheckFailed` if it fails on this machine."""
    usages = []
    jobs = [_job(oracle, device, index) for index in range(calibration_runs(n_jobs))]
    for outcome in executor.work(jobs):
        failure = outcome.failure_of_its_own()
        if failure is not None:
            raise CheckFailed(
                f"the oracle {oracle.path} failed on this machine, so the cap "
                f"has no denominator: {failure.reason}"
            )
        usages.append(outcome.report.usage)
        advance()
    costs = tuple(cost_seconds(usage, device) for usage in usages)
    waited = share_waited(usages) if device == "cpu" else share_slowed(costs)
    return Calibration(costs, waited)


def _job(oracle: Submission, device: str, index: int) -> Job:
    seed = derive_seed("calibration", index)
    return Job(index, oracle.request(index, seed, device, None))
