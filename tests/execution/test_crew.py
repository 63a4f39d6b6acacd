"""Who does what on a cluster, and what becomes of what was lost, failed or refused.

The scheduler is a stand-in that has everything done at once, in this process.
"""

import pickle
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import pytest

from harness.errors import UnlearnEvalError, UsageError
from harness.execution import crew as crew_module
from harness.execution.cluster import by_value
from harness.execution.crew import Crew
from harness.execution.local import Job
from harness.execution.remote import Joined, Unprepared
from harness.processes import WorkerDied
from harness.run.messages import CheckpointRequest

pytest.importorskip("distributed", reason="needs pip install 'unlearn-eval[cluster]'")

FIRST, NEIGHBOUR, OTHER = "tcp://a:1", "tcp://a:2", "tcp://b:1"


class Answered(Future):
    """A future as Dask's are, with its status in a word."""

    status = "pending"

    def release(self) -> None:
        self.status = "released"


@dataclass
class Cluster:
    """Doubles numbers. What `trouble` raises, or does to it, befalls a worker.

    One that has joined as None is still about to.
    """

    present: set[str]
    trouble: Callable[[str, int], None] = lambda address, item: None
    joined: Callable[[str], Joined | None] = lambda address: Joined("", address, "same")
    status: str = "running"
    done: list[tuple[str, int]] = field(default_factory=list)

    def nthreads(self) -> dict[str, int]:
        return dict.fromkeys(self.present, 1)

    def submit(self, function, *args, key, workers, pure) -> Answered:
        (address,), future = workers, Answered()
        try:
            if function.__name__ == "join":
                answer = self.joined(address)
            else:
                self.trouble(address, args[-1])
                self.done.append((address, args[-1]))
                answer = 2 * args[-1]
        except Exception as error:
            future.status = "error"
            future.set_exception(error)
        else:
            if address in self.present and answer is not None:
                future.status = "finished"
                future.set_result(answer)
        return future


@pytest.fixture
def cluster(monkeypatch) -> Cluster:
    monkeypatch.setattr(crew_module, "_LOOK_SECONDS", 0.01)
    return Cluster({FIRST, OTHER})


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def doubled(cluster, said) -> Callable[..., dict[int, object]]:
    """What came of each item: its answer, or the error in its place."""

    def do(*items: int) -> dict[int, object]:
        work = Crew(cluster, "work", said.append).do(items)
        return {done.item: done.error or done.answer for done in work}

    return do


def fails(*where: str) -> Callable[[str, int], None]:
    def trouble(address: str, item: int) -> None:
        if item == 2 and address in where:
            raise WorkerDied(f"no luck at {address}")

    return trouble


def test_every_item_is_done_once(doubled, cluster):
    assert doubled(1, 2, 3, 4, 5) == {1: 2, 2: 4, 3: 6, 4: 8, 5: 10}
    assert sorted(item for _, item in cluster.done) == [1, 2, 3, 4, 5]


def test_what_fails_on_a_machine_is_done_on_another_one(doubled, cluster):
    """Not by a neighbour there: what is wrong with a machine is so for all of it."""
    cluster.present.add(NEIGHBOUR)
    tried = []
    trouble = fails(FIRST, NEIGHBOUR)

    def noted(address: str, item: int) -> None:
        tried.append((address, item))
        trouble(address, item)

    cluster.trouble = noted

    assert doubled(1, 2, 3) == {1: 2, 2: 4, 3: 6}
    where = [address for address, item in tried if item == 2]
    assert where[-1] == OTHER
    assert len(where) <= 2


def test_only_what_fails_on_a_second_machine_has_failed(doubled, cluster):
    third = "tcp://c:1"
    cluster.present.add(third)
    tried, trouble = [], fails(FIRST, OTHER, third)

    def noted(address: str, item: int) -> None:
        tried.append(item)
        trouble(address, item)

    cluster.trouble = noted

    found = doubled(1, 2, 3)

    assert isinstance(found.pop(2), WorkerDied)
    assert tried.count(2) == 2
    assert found == {1: 2, 3: 6}


def test_where_there_is_one_machine_a_failure_there_counts(doubled, cluster):
    cluster.present = {FIRST, NEIGHBOUR}
    cluster.trouble = fails(FIRST, NEIGHBOUR)

    assert str(doubled(1, 2)[2]).startswith("no luck at tcp://a:")


def test_what_was_lost_with_its_worker_is_done_elsewhere(doubled, cluster):
    def trouble(address: str, item: int) -> None:
        if address == FIRST:
            cluster.present.discard(FIRST)

    cluster.trouble = trouble

    assert doubled(1, 2, 3) == {1: 2, 2: 4, 3: 6}


def test_an_answer_that_went_with_its_worker_is_not_waited_for(
    doubled, cluster, monkeypatch
):
    """Dask would wait for that worker to come back; all others would be idle."""
    waited = []

    def gone(future: Answered, timeout: float) -> None:
        waited.append(timeout)
        future.status = "pending"
        raise TimeoutError

    def trouble(address: str, item: int) -> None:
        if item == 2 and not waited:
            monkeypatch.setattr(Answered, "result", gone)
        else:
            monkeypatch.setattr(Answered, "result", Future.result)

    cluster.trouble, cluster.present = trouble, {FIRST}

    assert doubled(2) == {2: 4}
    assert 0 < sum(waited) < 5


def test_what_takes_every_worker_with_it_is_given_up(doubled, cluster):
    others = iter(range(2, 100))

    def trouble(address: str, item: int) -> None:
        if item == 2:
            cluster.present.discard(address)
            cluster.present.add(f"tcp://a:{next(others)}")

    cluster.trouble = trouble

    found = doubled(1, 2)

    assert str(found[2]) == "5 workers were lost while they did it"
    assert found[1] == 2


def test_a_worker_that_is_not_alike_is_refused_by_name_and_reason(
    doubled, cluster, said
):
    other = Joined("its torch is 2.14.0, and 2.15.0 is needed")
    alike = cluster.joined
    cluster.joined = lambda address: other if address == OTHER else alike(address)

    assert doubled(1, 2) == {1: 2, 2: 4}
    assert {address for address, _ in cluster.done} == {FIRST}
    assert said == [
        "The worker tcp://b:1 takes no part: its torch is 2.14.0, and 2.15.0 is needed."
    ]


def test_without_any_worker_that_is_alike_there_is_one_sentence(doubled, cluster):
    cluster.present = {FIRST}
    cluster.joined = lambda address: Joined("its numpy is 1.0, and 2.4.6 is needed")

    with pytest.raises(UsageError) as caught:
        doubled(1)

    assert str(caught.value) == (
        "no worker of the cluster can take part; give all machines the same packages "
        "and data (tcp://a:1: its numpy is 1.0, and 2.4.6 is needed)."
    )


def test_a_worker_that_has_forgotten_the_work_joins_again(doubled, cluster):
    """Another command on the same cluster may have taken its place."""
    forgotten = [FIRST]

    def trouble(address: str, item: int) -> None:
        if address in forgotten:
            forgotten.clear()
            raise Unprepared("not ready")

    cluster.trouble = trouble

    assert doubled(1, 2, 3) == {1: 2, 2: 4, 3: 6}
    assert not forgotten


def test_who_is_still_getting_ready_is_told_at_the_end_as_well(cluster, said):
    """It would hold a template and an evaluator for nobody."""
    cluster.joined = lambda address: Joined() if address == FIRST else None

    with Crew(cluster, "work", said.append) as crew:
        assert [done.answer for done in crew.do([1])] == [2]
        assert cluster.done == [(FIRST, 1)]

    assert {address for address, _ in cluster.done[1:]} == {FIRST, OTHER}


def test_arithmetic_may_differ_and_is_said_once(doubled, cluster, said):
    cluster.joined = lambda address: Joined("", f"the {address}", address)

    assert doubled(1, 2, 3) == {1: 2, 2: 4, 3: 6}
    assert said == [
        "The workers' arithmetic differs, so that a model's bits depend on where it is "
        "made: the tcp://a:1; the tcp://b:1."
    ]


def test_a_lost_scheduler_is_one_sentence_of_ours(doubled, cluster):
    cluster.trouble = lambda address, item: setattr(cluster, "status", "connecting")

    with pytest.raises(UnlearnEvalError, match="run the same command again") as caught:
        doubled(1, 2, 3)

    assert caught.value.exit_code == 1


def test_a_users_mistake_is_not_tried_elsewhere(doubled, cluster):
    def diverge(address: str, item: int) -> None:
        raise UsageError("its training diverged.")

    cluster.trouble = diverge

    with pytest.raises(UsageError, match="diverged"):
        doubled(1)


def test_a_checkpoint_is_sent_by_value(tmp_path):
    path = tmp_path / "checkpoint"
    path.write_bytes(b"its content")
    job = Job(3, CheckpointRequest(path.read_bytes, seed=7))

    sent = pickle.loads(pickle.dumps(by_value(job)))
    path.unlink()

    assert sent.request.read() == b"its content"
    assert (sent.index, sent.request.seed) == (3, 7)
