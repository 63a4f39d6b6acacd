"""Score submissions: find what is done, do what is missing, measure, write."""

import hashlib
import statistics
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from harness.errors import CheckFailed, UnlearnEvalError
from harness.execution.cluster import Cluster, ClusterExecutor, Executor
from harness.execution.local import Job, LocalExecutor, Outcome
from harness.models.records import RunRecord
from harness.models.weights import WeightSpec
from harness.plain_text import escape_controls
from harness.processes.lifetime import Closing
from harness.reference import find_bank
from harness.results.schema import Result
from harness.results.store import RESULT, ResultFolder
from harness.run.calibration import Calibration
from harness.run.cost import MOST_IDLE_SECONDS, Budget
from harness.run.entry import Entry, read_entry
from harness.run.messages import Failure
from harness.run.submission import Submission, fit_for
from harness.sandbox import Sandbox, choose
from harness.scoring.machines import made_here
from harness.scoring.retraining import RetrainingCost
from harness.scoring.seeds import run_seeds, secret_name
from harness.scoring.settings import Listener, ScoreSettings
from harness.scoring.verdict import Attempt, Verdicts
from harness.status import Status
from harness.storage.files import make_folder
from harness.tasks.registry import find_task

#: Runs of a submission after which being far over the cap ends it early.
_RUNS_BEFORE_VERDICT = 4
_LONGEST_TRACE = 4000


class Scorer(Closing):
    """Scores submissions on one track. Use it as a context manager.

    Parameters
    ----------
    settings : ScoreSettings
    listener : Listener
        Who is told of progress.
    isolation : Sandbox, optional
        How runs are kept apart; by default the strictest way that works here.
    cluster : Cluster, optional
        Where runs are made; by default on this machine.

    Raises
    ------
    UsageError
        If the bank is missing or too small, or the output cannot be written.
    """

    def __init__(
        self,
        settings: ScoreSettings,
        listener: Listener,
        isolation: Sandbox | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        self._listener, self._cluster = listener, cluster
        self.isolation = isolation or choose()
        make_folder(settings.output)
        self._task = find_task(settings.track, settings.data_dir)
        self.bank = find_bank(self._task, at_least=settings.n_models)
        self.spec = WeightSpec.of(self.bank.original_weights[0])
        self._executor: LocalExecutor | None = None
        self._remote: ClusterExecutor | None = None
        self._retraining = RetrainingCost(settings, self.isolation.level)
        self.use(settings)

    def close(self) -> None:
        """End all processes; safe to repeat."""
        for executor in filter(None, (self._executor, self._remote)):
            executor.close()
        self._executor = self._remote = None

    def score(self, path: Path) -> Result:
        """Score one submission, as `score_all` does."""
        (result,) = self.score_all([path])
        return result

    def score_all(self, paths: Iterable[Path]) -> list[Result]:
        """Score submissions in turn; one is measured while the next one's runs go on.

        A stored result is taken where nothing has changed.

        Parameters
        ----------
        paths : iterable of Path
            Their files.

        Returns
        -------
        list of Result
            In the order of the paths. The listener hears of each as it is done.

        Raises
        ------
        UnlearnEvalError
            For what is no submission's fault.
        """
        futures: list[Future[Result]] = []
        with ThreadPoolExecutor(1, "measure") as measuring:
            for path in paths:
                for future in futures:
                    if future.done():
                        future.result()  # what went wrong there ends it here
                entry = self._read(path)
                try:
                    rest = self._begin(entry)
                except Exception as error:
                    rest = partial(self._excuse, entry, error)
                    if not self.settings.keep_going:
                        raise
                futures.append(measuring.submit(self._end, entry, rest))
            return [future.result() for future in futures]

    def _read(self, path: Path) -> Entry:
        entry = read_entry(path, self.settings.n_models, self.spec)
        return fit_for(entry, self._task) if isinstance(entry, Submission) else entry

    def _begin(self, entry: Entry) -> Callable[[], Result]:
        """Make the runs that are missing; what is returned makes the result of them."""
        folder = self.folder_of(entry)
        stored = None if self.settings.force else self._stored(folder)
        if stored is not None:
            return partial(self._tell, stored, reused=True)
        return partial(self._conclude, self._attempt(entry, folder), folder)

    def _end(self, entry: Entry, rest: Callable[[], Result]) -> Result:
        try:
            return rest()
        except Exception as error:
            return self._excuse(entry, error)

    def _excuse(self, entry: Entry, error: Exception) -> Result:
        """Make a failure of ours a result, if others are to be scored all the same.

        It is not stored: the next time the submission is scored again.
        """
        if not self.settings.keep_going:
            raise error
        words = str(error)
        if not isinstance(error, UnlearnEvalError):
            words = f"{type(error).__name__}: {error}"
        trace = "".join(traceback.format_exception(error))[-_LONGEST_TRACE:]
        failure = Failure(Status.HARNESS_ERROR, words, escape_controls(trace))
        attempt = Attempt(entry=entry, failure=failure)
        return self._tell(self._verdicts.conclude(attempt).result)

    def use(self, settings: ScoreSettings) -> None:
        """Score with other settings from now on, on the same track and device."""
        self.settings = settings
        self._verdicts = Verdicts(settings, self.bank, self.isolation)

    def folder_of(self, entry: Entry, n_models: int | None = None) -> ResultFolder:
        """Find the folder: another source, bank, seed, device, level or N has another.

        Runs made at a weaker level of isolation never count for a stronger one, nor
        runs whose seeds anybody knows for secret ones.
        """
        settings, name = self.settings, secret_name(self.settings.secret)
        conditions = [str(settings.seed), settings.device, self.isolation.level]
        originals = settings.originals_of(entry)
        conditions += [f"{originals} originals"] if originals > 1 else []
        parts = (self.bank.key, entry.sha256, *conditions, *([name] if name else []))
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
        parent = settings.output / settings.track.name / entry.name
        return ResultFolder(parent / f"{digest}-n{n_models or settings.n_models}")

    def _stored(self, folder: ResultFolder) -> Result | None:
        if not (folder.path / RESULT).exists():
            return None
        try:
            folder.check()
        except CheckFailed as error:
            self._listener.say(f"{error} That is done now.")
            return None
        result = folder.read_result()
        if result is None or not self._verdicts.still_holds(result):
            return None
        folder.forget()  # What a kill left between the result and the tidying.
        return result

    def _attempt(self, entry: Entry, folder: ResultFolder) -> Attempt:
        """Keep what is scored, and do those of its runs that are missing."""
        folder.keep_source(*entry.kept())
        for note in entry.notes:
            self._listener.say(note)
        if entry.problems:
            failure = Failure(Status.INVALID, " ".join(entry.problems))
            return Attempt(entry=entry, failure=failure)
        settings = self.settings
        parts = (settings.seed, settings.n_runs(entry), settings.secret)
        seeds = entry.seeds(run_seeds(settings.track, entry.sha256, *parts))
        if settings.force:
            folder.forget()
        runs = {} if settings.force else self._finished(folder, seeds)
        attempt = Attempt(entry=entry)
        if not entry.made_elsewhere:
            attempt = replace(attempt, retraining=self._retraining_cost())
        jobs = self._missing_jobs(attempt, seeds, runs)
        self._listener.begin(entry.name, settings.n_runs(entry), len(runs))
        failed = self._work(attempt, folder, jobs, runs)
        self._listener.end()
        if self._remote is not None and attempt.retraining is not None:
            waited = Calibration((), self._remote.waited)
            attempt = replace(attempt, retraining=waited)
        attempt = replace(attempt, runs=self._in_order(attempt, runs))
        if failed is not None:
            return self._failed(attempt, failed)
        # Data is read here, by the thread that also opens the executor with it.
        return replace(
            attempt,
            forget_indices=self._task.forget_indices(),
            forget_labels=self._task.forget_labels(),
        )

    def _retraining_cost(self) -> Calibration:
        """What a retraining costs here; each worker of a cluster measures it itself."""
        if self._cluster is not None:
            return Calibration(())
        return self._retraining.get(self._open_local, self._listener)

    def _finished(self, folder: ResultFolder, seeds: list[int]) -> dict[int, RunRecord]:
        """Find finished runs; beside a cluster's not those whose cost says nothing."""
        found = folder.finished(seeds)
        if self._cluster is None or self._retraining.kept() is not None:
            return found
        return {index: run for index, run in found.items() if run.machine}

    def _in_order(
        self, attempt: Attempt, runs: dict[int, RunRecord]
    ) -> list[RunRecord]:
        """Put runs in order; beside a cluster's, this machine's own are named."""
        ordered = [runs[index] for index in sorted(runs)]
        on_cluster = self._cluster is not None or any(run.machine for run in ordered)
        if not on_cluster:
            return ordered
        here = Calibration(())
        if attempt.retraining is not None:
            here = self._retraining.kept() or attempt.retraining
        return [made_here(run, here, self.settings.track.device) for run in ordered]

    def _missing_jobs(
        self, attempt: Attempt, seeds: Sequence[int], runs: dict[int, RunRecord]
    ) -> list[Job]:
        budget, cap = None, self.settings.track.evaluation.cap
        if attempt.retraining is not None and attempt.retraining.seconds:
            budget = Budget(cap, statistics.median(attempt.retraining.seconds))
        device, entry = self.settings.device, attempt.entry
        originals, elsewhere = self.settings.originals_of(entry), self._cluster
        jobs = []
        for index, seed in enumerate(seeds):
            if index not in runs:
                ask = partial(entry.request, index, seed, device)
                request = replace(ask(budget), original=index % originals)
                bounded = ask if elsewhere and attempt.retraining else None
                jobs.append(Job(index, request, bounded))
        return jobs

    def _work(
        self,
        attempt: Attempt,
        folder: ResultFolder,
        jobs: Sequence[Job],
        runs: dict[int, RunRecord],
    ) -> Outcome | None:
        """Do jobs and keep their runs; return the first that failed."""
        if not jobs:
            return None
        work, idle = self._open_executor().work(jobs), 0.0
        try:
            for outcome in work:
                if outcome.run is None:
                    return outcome
                if self.settings.device == "cpu" and attempt.retraining is not None:
                    idle += outcome.idle  # There, CPU time is the cost.
                if idle > MOST_IDLE_SECONDS:
                    return _stopped_idle(outcome, idle)
                folder.keep_run(outcome.run, outcome.report.output)
                runs[outcome.run.index] = outcome.run
                self._listener.advance()
                if self._hopeless(attempt, list(runs.values())):
                    return None
        except BaseException:
            # Nothing in flight is waited for: it is repeated with the same seed.
            self.close()
            raise
        finally:
            work.close()
        return None

    def _hopeless(self, attempt: Attempt, runs: list[RunRecord]) -> bool:
        """Whether a submission costs so much that the runs to come change nothing."""
        if attempt.retraining is None or attempt.entry.is_reference:
            return False
        n_runs = self.settings.n_runs(attempt.entry)
        if not _RUNS_BEFORE_VERDICT <= len(runs) < n_runs:
            return False
        efficiency = self._verdicts.efficiency(runs, attempt.retraining)
        return efficiency.surely_over(2 * efficiency.cap)

    def _failed(self, attempt: Attempt, outcome: Outcome) -> Attempt:
        """Say which run failed, and how it is repeated."""
        entry, job, failure = attempt.entry, outcome.job, outcome.report.failure
        if failure is None:
            raise AssertionError("a job without a run says why")
        reason = entry.failure_reason(job.index, job.request.seed, failure)
        options = f"{self.settings.track.options} --isolation {self.isolation.level}"
        repeat = entry.repeat_command(job.request.seed, options)
        return replace(attempt, failure=replace(failure, reason=reason), repeat=repeat)

    def _conclude(self, attempt: Attempt, folder: ResultFolder) -> Result:
        scored = self._verdicts.conclude(attempt)
        folder.write(*scored)
        return self._tell(scored.result)

    def _tell(self, result: Result, *, reused: bool = False) -> Result:
        self._listener.result(result, reused)
        return result

    def _open_executor(self) -> Executor:
        if self._cluster is None:
            return self._open_local()
        if self._remote is None:
            originals = self.bank.original_weights
            parts = (self._cluster, self._task, originals, self.isolation)
            self._remote = ClusterExecutor(*parts)
        return self._remote

    def _open_local(self) -> LocalExecutor:
        if self._executor is None:
            settings, originals = self.settings, self.bank.original_weights
            self._executor = LocalExecutor(
                self._task,
                settings.track.device,
                originals,
                settings.n_jobs,
                self.isolation,
            )
        return self._executor


def scorer_on(
    cluster: Cluster | None, settings: ScoreSettings, listener: Listener, isolation: str
) -> Scorer:
    """Make a scorer for a cluster, or this machine, at the level that it can hold."""
    if cluster is None:
        return Scorer(settings, listener, choose(isolation))
    settings = replace(settings, n_jobs=cluster.n_workers)
    return Scorer(settings, listener, cluster.isolation(isolation), cluster)


def _stopped_idle(outcome: Outcome, seconds: float) -> Outcome:
    """Let a run count as failed with which a scoring has waited too long."""
    reason = (
        f"the runs so far waited {seconds:.0f} s without using CPU time; those of one "
        f"scoring may wait {MOST_IDLE_SECONDS:.0f} s in all."
    )
    failure = Failure(Status.TIMEOUT, reason)
    report = replace(outcome.report, weights=None, failure=failure)
    return outcome._replace(report=report, run=None)
