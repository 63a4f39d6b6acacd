"""Score submissions: find what is done, do what is missing, measure, write."""

import hashlib
import statistics
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.errors import CheckFailed
from harness.execution.local import Bench, Job, Judge, Outcome
from harness.metrics import METRICS_VERSION
from harness.metrics.literature.example_table import ExampleRow
from harness.metrics.uncertainty.efficiency import EfficiencyRatio, efficiency_ratio
from harness.models.records import RunRecord
from harness.models.weights import WeightSpec
from harness.processes.lifetime import Closing
from harness.reference import find_bank
from harness.results.schema import Efficiency, Metrics, Provenance, Result
from harness.results.store import RESULT, ResultFolder
from harness.run.checkpoints import CheckpointSet
from harness.run.cost import cost_seconds, kill_seconds
from harness.run.messages import Failure, Usage
from harness.run.submission import Submission
from harness.sandbox import Sandbox, choose
from harness.scoring.checkpoints import (
    Entry,
    about_entry,
    checkpoint_jobs,
    checkpoint_seeds,
    keep_entry,
    read_entry,
    unknown_efficiency,
)
from harness.scoring.listener import Listener
from harness.scoring.measure import Measurement
from harness.scoring.provenance import provenance
from harness.scoring.reasons import (
    failure_reason,
    over_budget_reason,
    repeat_command,
)
from harness.scoring.reference import Reference
from harness.scoring.request import run_request
from harness.scoring.retraining import RetrainingCost
from harness.scoring.seeds import run_seeds, secret_name
from harness.scoring.settings import ScoreSettings
from harness.status import Status
from harness.storage.files import make_folder
from harness.tasks.cifar10 import Cifar10, load_cifar10
from harness.tasks.images.splits import make_split, split_data

#: Runs of a submission after which being far over the cap ends it early.
_RUNS_BEFORE_VERDICT = 4


class Scored(NamedTuple):
    """A result with what backs it: the finished runs, and a row an example."""

    result: Result
    runs: Sequence[RunRecord] = ()
    examples: Sequence[ExampleRow] = ()


class Scorer(Closing):
    """Scores submissions on one track. Use it as a context manager.

    Parameters
    ----------
    settings : ScoreSettings
        What is asked.
    listener : Listener
        Who is told of progress.
    isolation : Sandbox, optional
        How runs are kept apart; by default as strictly as this machine can.

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
    ) -> None:
        self.settings, self._listener = settings, listener
        self.isolation = isolation or choose()
        make_folder(settings.output)
        self.bank = find_bank(settings.track, at_least=settings.n_models)
        self._spec = WeightSpec.of(self.bank.original_weights)
        self._judge: Judge | None = None
        self._retraining = RetrainingCost(settings, self.isolation.level)
        self._reference = Reference.of_bank(
            self.bank, settings.n_models, settings.track.evaluation.delta
        )

    def close(self) -> None:
        """End all processes; safe to repeat."""
        if self._judge is not None:
            self._judge.close()
            self._judge = None

    def score(self, path: Path) -> Result:
        """Score one submission, or take its stored result if nothing has changed.

        Parameters
        ----------
        path : Path
            The submission's file.

        Raises
        ------
        UnlearnEvalError
            For what is not the submission's fault.
        """
        (result,) = self.score_all([path])
        return result

    def score_all(self, paths: Iterable[Path]) -> list[Result]:
        """Score submissions in turn; one is measured while the next one's runs go on.

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
                futures.append(measuring.submit(self._run(path)))
            return [future.result() for future in futures]

    def _run(self, path: Path) -> Callable[[], Result]:
        """Do the missing runs of a submission; return what turns them into a result."""
        submission = read_entry(path, self.settings.n_models, self._spec)
        folder = self.folder_of(submission)
        stored = None if self.settings.force else self._stored(folder)
        if stored is not None:
            return partial(self._tell, stored, reused=True)
        keep_entry(submission, folder)
        if submission.problems:
            failure = Failure(Status.INVALID, " ".join(submission.problems))
            scored = Scored(self._failed(submission, failure, 0))
            return partial(self._store, folder, lambda: scored)
        return partial(self._store, folder, self._do_runs(submission, folder))

    def _store(self, folder: ResultFolder, measure: Callable[[], Scored]) -> Result:
        scored = measure()
        folder.write(*scored)
        return self._tell(scored.result)

    def _tell(self, result: Result, *, reused: bool = False) -> Result:
        self._listener.result(result, reused)
        return result

    def folder_of(self, submission: Entry) -> ResultFolder:
        """Find the folder: another source, bank, seed, device, level or N has another.

        Runs made at a weaker level of isolation never count for a stronger one, nor
        runs whose seeds anybody knows for secret ones.
        """
        settings, name = self.settings, secret_name(self.settings.secret)
        conditions = (str(settings.seed), settings.device, self.isolation.level)
        parts = (self.bank.key, submission.sha256, *conditions, *filter(None, [name]))
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
        parent = settings.output / settings.track.name / submission.name
        return ResultFolder(parent / f"{digest}-n{settings.n_models}")

    def _stored(self, folder: ResultFolder) -> Result | None:
        if not (folder.path / RESULT).exists():
            return None
        try:
            folder.check()
        except CheckFailed as error:
            self._listener.say(f"{error} That is done now.")
            return None
        result = folder.read_result()
        if result is None or not self._still_holds(result):
            return None
        folder.forget()  # What a kill left between the result and the tidying.
        return result

    def _still_holds(self, result: Result) -> bool:
        """Whether a stored verdict is the one that is asked for now."""
        wanted, evaluation = self.settings.n_models, self.settings.track.evaluation
        efficiency = result.metrics.efficiency
        return (
            result.status in (Status.SCORED, Status.OVER_BUDGET)
            and result.n_models == wanted
            and efficiency is not None
            and efficiency.cap == evaluation.cap
            and result.provenance.delta == evaluation.delta
            and result.provenance.metrics_version == METRICS_VERSION
        )

    def _do_runs(self, submission: Entry, folder: ResultFolder) -> Callable[[], Scored]:
        """Do the missing runs; return what measures them."""
        settings = self.settings
        seeds = self._seeds(submission)
        if settings.force:
            folder.forget()
        runs = {} if settings.force else folder.finished(seeds)
        missing = {i: seed for i, seed in enumerate(seeds) if i not in runs}
        jobs = self._jobs(submission, missing)
        self._listener.begin(submission.name, settings.n_models, len(runs))
        failed = self._work(submission, folder, jobs, runs)
        self._listener.end()
        kept = [runs[index] for index in sorted(runs)]
        if failed is not None and failed.report.failure is not None:
            failure = failed.report.failure
            scored = Scored(self._failed(submission, failure, len(kept), failed.job))
            return lambda: scored
        # Data is read here, by the thread that also opens the judge with it.
        indices = self._forget_indices
        return lambda: self._measured(submission, kept, indices)

    def _seeds(self, submission: Entry) -> list[int]:
        if isinstance(submission, CheckpointSet):
            return checkpoint_seeds(submission)
        asked = self.settings
        return run_seeds(
            asked.track, submission, asked.seed, asked.n_models, asked.secret
        )

    def _jobs(self, submission: Entry, missing: dict[int, int]) -> list[Job]:
        """Plan the runs that are missing, by index and seed."""
        if isinstance(submission, CheckpointSet):
            return checkpoint_jobs(submission, missing, self._spec)
        device = self.settings.device
        retraining = statistics.median(self._costs())
        budget = self.settings.track.evaluation.cap * retraining
        # A reference may cost a retraining and more: it is shown, whatever it costs.
        limit = kill_seconds(retraining if submission.is_reference else budget)
        return [
            Job(index, run_request(submission, seed, device, budget), limit)
            for index, seed in missing.items()
        ]

    def _work(
        self,
        submission: Entry,
        folder: ResultFolder,
        jobs: Sequence[Job],
        runs: dict[int, RunRecord],
    ) -> Outcome | None:
        """Do the missing runs; return the first that failed."""
        if not jobs:
            return None
        judge = self._open_judge()
        work = judge.work(jobs)
        try:
            for outcome in work:
                if outcome.run is None:
                    return outcome
                folder.keep_run(outcome.run, outcome.report.output)
                runs[outcome.run.index] = outcome.run
                self._listener.advance()
                if self._hopeless(submission, runs):
                    return None
        except BaseException:
            # Nothing in flight is waited for: it is repeated with the same seed.
            self.close()
            raise
        finally:
            work.close()  # type: ignore[attr-defined]
        return None

    def _hopeless(self, submission: Entry, runs: dict[int, RunRecord]) -> bool:
        if isinstance(submission, CheckpointSet) or submission.is_reference:
            return False
        if len(runs) < _RUNS_BEFORE_VERDICT:
            return False
        if len(runs) == self.settings.n_models:
            return False
        efficiency = self._efficiency(list(runs.values()))
        return efficiency.surely_over(2 * efficiency.cap)

    def _measured(
        self,
        submission: Entry,
        runs: list[RunRecord],
        indices: NDArray[np.int64],
    ) -> Scored:
        reason, cap = "", self.settings.track.evaluation.cap
        cost = unknown_efficiency(cap)
        if isinstance(submission, Submission):
            efficiency = self._efficiency(runs)
            cost = Efficiency(**vars(efficiency))
            if efficiency.over_cap:
                reason = over_budget_reason(
                    efficiency, len(runs), self.settings.n_models
                )
        metrics = Metrics(efficiency=cost)
        examples: tuple[ExampleRow, ...] = ()
        if len(runs) == self.settings.n_models:
            measurement = Measurement.of_runs(runs, self._reference)
            metrics = replace(measurement.metrics(), efficiency=cost)
            targets = self.bank.arrays["forget_targets"].astype(np.int64)
            examples = measurement.examples(indices, targets)
        result = Result(
            about=about_entry(submission),
            status=Status.OVER_BUDGET if reason else Status.SCORED,
            reason=reason,
            n_models=self.settings.n_models,
            n_finished=len(runs),
            provenance=self._provenance(),
            metrics=metrics,
        )
        return Scored(result, runs, examples)

    @cached_property
    def _cifar10(self) -> Cifar10:
        return load_cifar10(self.settings.data_dir, progress=True)

    @cached_property
    def _forget_indices(self) -> NDArray[np.int64]:
        return make_split(self._cifar10, self.settings.track.data).forget

    def _failed(
        self,
        submission: Entry,
        failure: Failure,
        n_finished: int,
        job: Job | None = None,
    ) -> Result:
        settings, repeat, reason = self.settings, "", failure.reason
        if job is not None:
            reason = failure_reason(submission, job, failure)
            repeat = repeat_command(submission, job, settings, self.isolation.level)
        return Result(
            about=about_entry(submission),
            status=failure.status,
            reason=reason,
            traceback=failure.traceback,
            repeat=repeat,
            n_models=settings.n_models,
            n_finished=n_finished,
            provenance=self._provenance(),
        )

    def _provenance(self) -> Provenance:
        return provenance(
            self.settings, self.bank, self.isolation, self._retraining.known
        )

    def _costs(self) -> tuple[float, ...]:
        return self._retraining.get(self._open_judge, self._listener).seconds

    def _efficiency(self, runs: list[RunRecord]) -> EfficiencyRatio:
        costs = [
            cost_seconds(Usage(r.cpu_seconds, r.wall_seconds, 0), self.settings.device)
            for r in runs
        ]
        cap = self.settings.track.evaluation.cap
        return efficiency_ratio(costs, self._costs(), cap)

    def _open_judge(self) -> Judge:
        if self._judge is None:
            settings = self.settings
            split = split_data(self._cifar10, settings.track.data)
            bench = Bench(
                settings.track, settings.device, split, self.bank.original_weights
            )
            self._judge = Judge(bench, settings.n_jobs, self.isolation)
        return self._judge
