"""Measure what one retraining costs here, once, as any run's cost is."""

from collections.abc import Callable

from harness.execution.local import LocalExecutor
from harness.execution.retraining import measure_retraining
from harness.run.calibration import (
    Calibration,
    CalibrationKey,
    calibration_runs,
    oracle_path,
    read_calibration,
    write_calibration,
)
from harness.run.submission import read_submission
from harness.scoring.settings import Listener, ScoreSettings


class RetrainingCost:
    """The denominator of the efficiency ratio, measured when it is first needed.

    In the conditions of the submissions: track, device, jobs and level of isolation.
    """

    def __init__(self, settings: ScoreSettings, isolation: str) -> None:
        self._settings = settings
        self._oracle = read_submission(oracle_path())
        self._key = CalibrationKey(
            settings.track,
            settings.device,
            settings.n_jobs,
            isolation,
            self._oracle.sha256,
        )
        self._known: Calibration | None = None

    def kept(self) -> Calibration | None:
        """Return the cost where it is known or kept from an earlier time."""
        return self._known or read_calibration(self._key)

    def get(
        self, open_executor: Callable[[], LocalExecutor], listener: Listener
    ) -> Calibration:
        """Return the cost: known, kept from an earlier time, or measured now.

        What was measured on a busy machine holds for this command and is not kept.

        Raises
        ------
        CheckFailed
            If the oracle fails on this machine.
        WorkerDied
            If a process of ours does.
        """
        found = self.kept()
        if found is None:
            found = self._measure(open_executor(), listener)
            if found.busy:
                listener.say(_busy(found, self._settings.device))
            else:
                write_calibration(self._key, found)
        self._known = found
        return found

    def _measure(self, executor: LocalExecutor, listener: Listener) -> Calibration:
        n_jobs, device = self._settings.n_jobs, self._settings.device
        count = calibration_runs(n_jobs)
        listener.begin("measuring one retraining, once per machine", count, 0)
        found = measure_retraining(
            executor, self._oracle, device, n_jobs, listener.advance
        )
        listener.end()
        return found


def _busy(calibration: Calibration, device: str) -> str:
    slowed = f"waited {calibration.waited:.0%} of their time for a core"
    dear = "CPU time"
    if device != "cpu":
        slowed = f"took {calibration.waited:.0%} more time than the fastest of them"
        dear = "time"
    return (
        f"This machine is busy: the retrainings {slowed}, and may cost more {dear} for "
        "it. They are measured again at the next scoring; score on a quiet machine "
        "where the cap matters."
    )
