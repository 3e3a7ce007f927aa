"""A network in one process: workers are threads, messages go through a table, and each one is written down.

Nothing here depends on which thread runs when. Each worker has a clock of its own. A message takes `latency` seconds,
and its bytes go at `bandwidth` bytes a second: it keeps the sender's end of the link busy for bytes / bandwidth, comes
`latency` later, and keeps the receiver's end busy as long. Who receives waits until it has come. So the clocks tell how
long a real network of this kind would take (the alpha-beta model of Hockney, 1994), however slow this computer is.

Whether everybody waits for ever is known here, and not guessed from a time limit: all workers that are not done wait,
and nothing is on its way to them.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..backend.arguments import real, whole
from ..backend.errors import DistributedError
from ..backend.random import apart, start_at
from .communicator import Communicator, here


class Message(NamedTuple):
    """One message: in which step it was sent, by whom, to whom, its bytes, and when it left and was there (seconds).

    Examples
    --------
    >>> network = SimulatedNetwork(2)
    >>> _ = network.run(lambda comm: comm.broadcast(np.zeros(4)))
    >>> network.messages[0].step, network.messages[0].source, network.messages[0].to, network.messages[0].bytes
    (1, 0, 1, 32)
    """

    step: int
    source: int
    to: int
    bytes: int
    sent: float
    arrived: float


class SimulatedNetwork:
    """Workers in one process that pass messages, each of which is written down.

    Parameters
    ----------
    workers : int
    latency : float
        Seconds that even an empty message takes.
    bandwidth : float
        Bytes per second that each end of a link takes.

    Attributes
    ----------
    messages : list of Message
        Those of the last run, step by step. Messages of one step need nothing of each other.
    seconds : float
        How long the last run would have taken on such a network: the latest of the workers' clocks.

    Examples
    --------
    >>> network = SimulatedNetwork(3, latency=1e-3)
    >>> network.run(lambda comm: comm.all_reduce(np.array([comm.rank])).item())
    [3, 3, 3]
    >>> network.steps, len(network.messages), round(network.seconds, 6)
    (4, 12, 0.004)
    """

    def __init__(self, workers: int, latency: float = 50e-6, bandwidth: float = 1e9):
        (self.workers,) = whole("SimulatedNetwork", workers=workers)
        real("SimulatedNetwork", 0, latency=latency, bandwidth=bandwidth)
        if not bandwidth:
            raise ValueError("SimulatedNetwork: bandwidth is a number above 0, got 0")
        self.latency, self.bandwidth = float(latency), float(bandwidth)
        self.messages: list[Message] = []
        self.seconds = 0.0

    @property
    def steps(self) -> int:
        """How many steps the last run had, one after another."""
        return max((message.step for message in self.messages), default=0)

    @property
    def bytes_per_link(self) -> dict[tuple[int, int], int]:
        """(from, to) → bytes that the last run sent there."""
        found: Counter[tuple[int, int]] = Counter()
        for message in self.messages:
            found[message.source, message.to] += message.bytes
        return dict(sorted(found.items()))

    def run(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Let every worker compute ``function(communicator, *arguments)``; returns what they return, rank by rank.

        Random numbers come from a generator of each worker's own, which starts at its rank.

        Raises
        ------
        DistributedError
            If all wait for ever, or a message has another shape than is waited for.
        Exception
            What the function raises, in the first worker where it does.
        """
        if not callable(function):
            raise TypeError(f"run: wanted a function of a communicator, got {function!r:.60}")
        table = _Table(self)
        results: list[Any] = [None] * self.workers

        def work(rank: int) -> None:
            worker = here.communicator = SimulatedWorker(table, rank)
            try:
                with apart():
                    start_at(rank)
                    results[rank] = function(worker, *arguments)
            except BaseException as error:
                table.stop(rank, error)
            finally:
                table.leave(rank)

        threads = [threading.Thread(target=work, args=(r,), daemon=True) for r in range(self.workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.messages = sorted(table.messages)
        self.seconds = max(table.clock)
        if table.errors:
            raise table.errors[min(table.errors)]
        return results


class _Table:
    """What the threads share: messages on their way, who waits for whom, and the clocks. One lock guards all."""

    def __init__(self, network: SimulatedNetwork):
        self.network = network
        self.changed = threading.Condition()
        self.under_way: dict[tuple[int, int], deque] = {}
        self.waits_for: dict[int, int] = {}
        self.gone: set[int] = set()
        self.errors: dict[int, BaseException] = {}
        self.clock = [0.0] * network.workers
        self.step = [0] * network.workers
        self.messages: list[Message] = []

    def put(self, source: int, to: int, array: np.ndarray) -> None:
        """Send a copy: the clock goes on by the time that the bytes take."""
        with self.changed:
            self._go_on()
            busy = array.nbytes / self.network.bandwidth
            sent = self.clock[source]
            self.clock[source] += busy
            message = Message(
                self.step[source] + 1, source, to, array.nbytes, sent, sent + self.network.latency + busy
            )
            self.messages.append(message)
            self.under_way.setdefault((source, to), deque()).append((message, array.copy()))
            self.changed.notify_all()

    def take(self, source: int, to: int, into: np.ndarray, since: float | None = None) -> int:
        """Wait for a message; the clock goes on until it is there. Returns its step."""
        with self.changed:
            self.waits_for[to] = source
            while not self.under_way.get((source, to)):
                self._go_on()
                self._look_for_deadlock()
                self.changed.wait()
            del self.waits_for[to]
            message, array = self.under_way[source, to].popleft()
            if (array.shape, array.dtype) != (into.shape, into.dtype):
                raise DistributedError(
                    f"receive: worker {to} waits for {into.dtype} {into.shape} from worker {source}, who sends "
                    f"{array.dtype} {array.shape}"
                )
            into[...] = array
            begun = self.clock[to] if since is None else since
            free = begun + array.nbytes / self.network.bandwidth
            self.clock[to] = max(self.clock[to], free, message.arrived)
            return message.step

    def stop(self, rank: int, error: BaseException) -> None:
        """A worker has failed; all others end."""
        with self.changed:
            if not isinstance(error, _Stopped):
                self.errors[rank] = error
            self.changed.notify_all()

    def leave(self, rank: int) -> None:
        """A worker is done; perhaps the last one for whom others could still wait with hope."""
        with self.changed:
            self.gone.add(rank)
            self.changed.notify_all()

    def _go_on(self) -> None:
        if self.errors:
            raise _Stopped

    def _look_for_deadlock(self) -> None:
        stuck = [r for r, source in self.waits_for.items() if not self.under_way.get((source, r))]
        if len(stuck) + len(self.gone) == self.network.workers:
            waits = ", ".join(f"{r} for {self.waits_for[r]}" for r in sorted(stuck))
            done = f"; done: {', '.join(map(str, sorted(self.gone)))}" if self.gone else ""
            raise DistributedError(f"SimulatedNetwork: everybody waits for ever: worker {waits}{done}")


class _Stopped(BaseException):
    """Ends the thread of a worker when another one has failed."""


class SimulatedWorker(Communicator):
    """One worker's end of a `SimulatedNetwork`.

    Examples
    --------
    >>> SimulatedNetwork(2).run(lambda comm: (comm.rank, comm.size))
    [(0, 2), (1, 2)]
    """

    def __init__(self, table: _Table, rank: int):
        self._table, self.rank, self.size = table, rank, table.network.workers

    @property
    def seconds(self) -> float:
        """This worker's clock."""
        return self._table.clock[self.rank]

    def compute(self, seconds: float) -> None:
        """Let the clock go on: this worker computes for so long."""
        real("compute", 0, seconds=seconds)
        self._table.clock[self.rank] += seconds

    def _send(self, array: np.ndarray, to: int) -> None:
        self._table.put(self.rank, to, array)
        self._table.step[self.rank] += 1

    def _receive(self, into: np.ndarray, source: int) -> None:
        step = self._table.take(source, self.rank, into)
        self._table.step[self.rank] = max(self._table.step[self.rank], step)

    def _send_receive(self, array: np.ndarray, to: int, into: np.ndarray, source: int) -> None:
        begun = self.seconds  # both ends of the link are busy at the same time
        self._table.put(self.rank, to, array)
        step = self._table.take(source, self.rank, into, begun)
        self._table.step[self.rank] = max(self._table.step[self.rank] + 1, step)
