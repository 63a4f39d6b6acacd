"""Work on a cluster, whose machines and deployment are Dask's: an address is enough."""

import gc
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeAlias

from harness.errors import UsageError
from harness.execution import remote
from harness.execution.crew import Crew, addresses
from harness.execution.local import Job, LocalExecutor, Outcome
from harness.models.weights import Array
from harness.processes.lifetime import Closing
from harness.reference.build import Train
from harness.reference.member import keep_member
from harness.reference.plan import BuildPlan
from harness.run.messages import CheckpointRequest, Failure, RunReport, Usage
from harness.sandbox import Level, Sandbox
from harness.status import Status
from harness.tasks.base import Task

if TYPE_CHECKING:
    from distributed import Client

_CONNECT_SECONDS = 10.0
_LISTED = 5
#: What the option and the argument for a cluster take; None for this machine.
Scheduler: TypeAlias = "str | Client | None"


class Cluster(Closing):
    """A Dask scheduler and its workers. Use it as a context manager.

    `scheduler` is an address, for which Dask's own settings hold, TLS among them, or a
    client that is connected already.
    """

    def __init__(self, scheduler: "str | Client", say: Callable[[str], None]) -> None:
        self._owned = isinstance(scheduler, str)
        self.client = _connect(scheduler) if isinstance(scheduler, str) else scheduler
        self.say = say

    def close(self) -> None:
        """Let go of the scheduler, unless the client is somebody else's."""
        if self._owned:
            self.client.close()

    @property
    def n_workers(self) -> int:
        """Workers that are there now, at least 1: others may come."""
        return max(1, len(addresses(self.client)))

    def isolation(self, wanted: str) -> Sandbox:
        """Return the strictest level that all workers offer which are there now."""
        found = self._offers(wanted)
        level = max((one.level for one in found), key=list(Level).index)
        weakest = [one for one in found if one.level == level]
        return max(weakest, key=lambda one: len(one.not_enforced))

    def _offers(self, wanted: str) -> list[Sandbox]:
        """Ask all workers; not by a task, which would wait for one that has gone."""
        from distributed.comm import CommClosedError  # noqa: PLC0415

        if not addresses(self.client):
            self.say("no worker is there yet; waiting for one.")
            self.client.wait_for_workers(1)
        ask = remote.offered, wanted, remote.versions()
        answers = self.client.run(*ask, on_error="return")
        found = [each for each in answers.values() if isinstance(each, Sandbox)]
        if found:
            return found
        refused = {
            at: why
            for at, why in answers.items()
            if not isinstance(why, CommClosedError)
        }
        if not refused:
            return self._offers(wanted)  # All have gone.
        for error in refused.values():
            if isinstance(error, UsageError):
                raise error
        words = "; ".join(f"{at}: {why}" for at, why in list(refused.items())[:_LISTED])
        raise UsageError(
            f"no worker of the cluster can take part ({words}); install the same "
            "unlearn-eval, torch and numpy on all of its machines."
        )

    def trainer(self, plan: BuildPlan) -> Train:
        """Return what trains a bank's models there; they are kept here as they come."""
        work = remote.Training(
            track=plan.track,
            data_dir=plan.data_dir,
            data_hash=plan.task.data_hash,
            engine_version=plan.task.engine_version,
            seed=plan.seed,
        )

        def train(plan: BuildPlan, indices: list[int]) -> Generator[int, None, None]:
            with Crew(self.client, work, self.say) as crew:
                for done in crew.do(indices):
                    if done.error is not None:
                        raise done.error
                    keep_member(plan.folder, *done.answer)
                    yield done.item

        return train


class ClusterExecutor(Closing):
    """Runs jobs on a cluster, as `LocalExecutor` does here.

    A worker measures what a retraining costs where it is, and bounds its runs by that.
    """

    def __init__(
        self,
        cluster: Cluster,
        task: Task,
        originals: Sequence[Mapping[str, Array]],
        isolation: Sandbox,
    ) -> None:
        work = remote.Running(
            track=task.track,
            data_dir=task.data_dir,
            data_hash=task.data_hash,
            engine_version=task.engine_version,
            originals=originals,
            isolation=isolation,
        )
        self._crew = Crew(cluster.client, work, cluster.say, by_value)
        #: Share of their time that retrainings waited for a core, where it was most.
        self.waited = 0.0

    def close(self) -> None:
        """Let the workers end what they hold ready."""
        self._crew.close()

    def work(self, jobs: Sequence[Job]) -> Generator[Outcome, None, None]:
        """Do jobs and yield each as it is done.

        One on which processes of ours failed on a second machine, too, where there is
        one, has the status ``harness-error``.
        """
        for done in self._crew.do(jobs):
            if done.error is not None:
                failure = Failure(Status.HARNESS_ERROR, str(done.error))
                report = RunReport(Usage(0.0, 0.0, 0), failure=failure)
                yield Outcome(done.item, report, None)
            else:
                made: remote.Made = done.answer
                self.waited = max(self.waited, made.waited)
                yield Outcome(done.item, made.report, made.run, made.idle)


#: Where runs are made.
Executor = LocalExecutor | ClusterExecutor


def by_value(job: Job) -> Job:
    """Read a checkpoint before it is sent: its file is here."""
    request = job.request
    if isinstance(request, CheckpointRequest):
        request = replace(request, read=partial(bytes, request.read()))
    return replace(job, request=request)


def _connect(address: str) -> "Client":
    if find_spec("distributed") is None:
        raise UsageError(
            "--scheduler needs Dask's distributed, which is not installed; install it "
            "with: pip install 'unlearn-eval[cluster]'."
        )
    from distributed import Client  # noqa: PLC0415

    try:
        return Client(
            address, timeout=_CONNECT_SECONDS, set_as_default=False, name="unlearn-eval"
        )
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        words = _first_line(error)
    # A client that came to nothing closes itself when it is collected. Were that while
    # another one starts, as in a notebook that tries again, both would wait for ever.
    gc.collect()
    raise UsageError(
        f"no Dask scheduler answers at {address!r} ({words}); give the address that "
        "dask scheduler printed, such as tcp://node1:8786."
    )


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
