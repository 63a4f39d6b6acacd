"""The workers of a Dask cluster that do one kind of work, item by item.

Each holds at most one item, chosen here and not by the scheduler: what was lost with a
worker, or failed on a machine, must go to another one, and what is not ready for the
work must get none. A finished item is fetched, and let go of, at once.
"""

import asyncio
import pickle
import threading
import uuid
import warnings
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.errors import UnlearnEvalError, UsageError
from harness.execution import remote
from harness.execution.remote import Joined, Unprepared, Work
from harness.processes import WorkerDied
from harness.processes.lifetime import Closing
from harness.storage.files import sha256_of

if TYPE_CHECKING:
    from distributed import Client, Future

#: How often one looks for workers that came or went while nothing ends.
_LOOK_SECONDS = 1.0
#: An answer that is there is asked for so many times, so long each.
_FETCHES, _FETCH_SECONDS = 30, 2.0
#: An item with which so many workers were lost is to blame for it.
_MOST_LOST = 5
#: Machines on which an item is tried, where there are so many.
_MOST_FAILED = 2


@dataclass(eq=False)
class Assignment:
    """An item on its way: where it failed, and how often its worker was lost."""

    item: Any
    failed_on: set[str] = field(default_factory=set)
    error: Exception | None = None
    lost: int = 0


class Lost(Exception):
    """An item's worker has gone, and its answer with it."""


class Done(NamedTuple):
    """An item with the worker's answer, or what it failed by on two machines."""

    item: Any
    answer: Any
    error: Exception | None = None


class Crew(Closing):
    """Workers that are ready for one kind of work. Use it as a context manager.

    `pack` turns an item into what is sent.
    """

    def __init__(
        self,
        client: "Client",
        work: Work,
        say: Callable[[str], None],
        pack: Callable[[Any], Any] = lambda item: item,
    ) -> None:
        self._client, self._say, self._pack = client, say, pack
        self._packed = pickle.dumps(work)
        self._key = sha256_of(self._packed)
        self._joining: dict[str, Future[Joined]] = {}
        self._ready: dict[str, Joined] = {}
        self._refused: dict[str, str] = {}
        self._running: dict[str, tuple[Future[Any], Assignment]] = {}
        self._waiting: deque[Assignment] = deque()
        self._news, self._told = threading.Event(), set[str]()

    def do(self, items: Sequence[Any]) -> Generator[Done, None, None]:
        """Do items and yield each as it is done, in whatever order.

        Closing the iterator lets go of what is in flight. `UsageError` if no worker may
        take part, `UnlearnEvalError` if the scheduler is gone.
        """
        self._waiting.extend(map(Assignment, items))
        try:
            while self._waiting or self._running:
                self._look_around()
                yield from self._impossible()
                self._hand_out()
                self._await_news()
                yield from self._collect()
        finally:
            self._let_go()

    def close(self) -> None:
        """Let the workers end what they hold ready, or soon will; wait for nothing."""
        from distributed import fire_and_forget  # noqa: PLC0415

        self._let_go()
        if self._client.status == "running":
            for address in (*self._ready, *self._joining):
                fire_and_forget(self._submit(address, remote.leave, self._key))
        for joining in self._joining.values():
            joining.release()
        self._ready.clear()
        self._joining.clear()

    def _let_go(self) -> None:
        self._waiting.clear()
        for future, _ in self._running.values():
            future.release()
        self._running.clear()

    def _submit(
        self, address: str, function: Callable[..., Any], *args: Any
    ) -> "Future[Any]":
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="(?s).*large graph")
            future = self._client.submit(
                function,
                *args,
                key=f"unlearn-eval-{function.__name__}-{uuid.uuid4()}",
                workers=[address],
                pure=False,
            )
        future.add_done_callback(lambda _: self._news.set())
        return future

    def _look_around(self) -> None:
        """Take in workers that came, and take back what was with those that went."""
        present = addresses(self._client)
        for address in (self._running.keys() | self._joining) - present:
            self._take_back(address)
        for known in (self._ready, self._refused):
            for address in known.keys() - present:
                del known[address]
        fresh = present - self._ready.keys() - self._refused.keys() - set(self._joining)
        for address in fresh:
            neighbours = sum(host_of(a) == host_of(address) for a in present)
            words = (remote.versions(), self._key, self._packed, neighbours)
            self._joining[address] = self._submit(address, remote.join, *words)
        if not present:
            self._tell_once("no worker is there yet; waiting for one.")
        elif len(self._refused) == len(present):
            raise UsageError(_nobody(self._refused))

    def _take_back(self, address: str) -> None:
        """Have done elsewhere what a lost worker was doing."""
        if address in self._joining:
            self._joining.pop(address).release()
        if address in self._running:
            future, assignment = self._running.pop(address)
            future.release()
            assignment.lost += 1
            self._waiting.appendleft(assignment)

    def _hand_out(self) -> None:
        for address in self._ready.keys() - self._running.keys():
            host = host_of(address)
            found = next((a for a in self._waiting if host not in a.failed_on), None)
            if found is not None:
                self._waiting.remove(found)
                item = self._pack(found.item)
                future = self._submit(address, remote.do, self._key, item)
                self._running[address] = future, found

    def _impossible(self) -> Generator[Done, None, None]:
        """Give up what has failed elsewhere, too, or takes its workers with it."""
        hosts = {host_of(address) for address in (*self._ready, *self._joining)}
        for one in list(self._waiting):
            error: Exception | None = None
            if one.lost >= _MOST_LOST:
                error = WorkerDied(f"{one.lost} workers were lost while they did it")
            elif len(one.failed_on) >= _MOST_FAILED or (
                hosts and hosts <= one.failed_on
            ):
                error = one.error
            if error is not None:
                self._waiting.remove(one)
                yield Done(one.item, None, error)

    def _await_news(self) -> None:
        if not any(future.done() for future, _ in self._running.values()):
            self._news.wait(_LOOK_SECONDS)
        self._news.clear()

    def _collect(self) -> Generator[Done, None, None]:
        for address, joining in list(self._joining.items()):
            if joining.done():
                del self._joining[address]
                self._admit(address, joining)
        for address, (future, assignment) in list(self._running.items()):
            if future.done():
                del self._running[address]
                yield from self._settle(address, future, assignment)

    def _admit(self, address: str, future: "Future[Joined]") -> None:
        try:
            joined = _answer(future)
        except Lost:
            return
        except Exception as error:
            joined = Joined(f"it failed with {type(error).__name__}: {error}")
        if joined.refused:
            self._refused[address] = joined.refused
            self._say(f"The worker {address} takes no part: {joined.refused}.")
            return
        self._ready[address] = joined
        if len({one.arithmetic for one in self._ready.values()}) > 1:
            machines = sorted({one.machine for one in self._ready.values()})
            self._tell_once(
                "The workers' arithmetic differs, so that a model's bits depend on "
                f"where it is made: {'; '.join(machines)}."
            )

    def _settle(
        self, address: str, future: "Future[Any]", assignment: Assignment
    ) -> Generator[Done, None, None]:
        try:
            answer = _answer(future)
        except Lost:
            assignment.lost += 1
        except Unprepared:
            del self._ready[address]
        except UsageError:
            raise
        except Exception as error:
            assignment.failed_on.add(host_of(address))
            assignment.error = error
        else:
            yield Done(assignment.item, answer)
            return
        self._waiting.appendleft(assignment)

    def _tell_once(self, words: str) -> None:
        if words not in self._told:
            self._told.add(words)
            self._say(words)


def addresses(client: "Client") -> set[str]:
    """List the workers that are there now; `UnlearnEvalError` without a scheduler."""
    try:
        if client.status == "running":
            return set(client.nthreads())
    except (OSError, asyncio.CancelledError):
        pass
    raise UnlearnEvalError(
        "the connection to the cluster's scheduler is lost; run the same command again "
        "when it is back: nothing finished is lost."
    )


def host_of(address: str) -> str:
    """Machine of a worker's address: what comes before its port."""
    return address.rpartition(":")[0]


def _answer(future: "Future[Any]") -> Any:
    from distributed import KilledWorker  # noqa: PLC0415

    for _ in range(_FETCHES):
        if future.status not in ("finished", "error"):
            break  # It has gone with its worker, for which Dask would wait.
        try:
            error = future.exception(timeout=_FETCH_SECONDS)
            if error is None:
                return future.result(timeout=_FETCH_SECONDS)
        except TimeoutError:
            continue
        except (OSError, asyncio.CancelledError):
            break
        if isinstance(error, KilledWorker):
            break
        raise error
    raise Lost


def _nobody(refused: dict[str, str]) -> str:
    listed = "; ".join(f"{where}: {why}" for where, why in sorted(refused.items()))
    return (
        "no worker of the cluster can take part; give all machines the same packages "
        f"and data ({listed[:2000]})."
    )
